{
  "targets": [
    {
      "target_name": "kaitian_comm",
      "sources": [
        "core/bell.cc",
        "core/collective/all_to_all.cc",
        "core/collective/allgather.cc",
        "core/collective/allreduce.cc",
        "core/collective/barrier.cc",
        "core/collective/broadcast.cc",
        "core/collective/gather.cc",
        "core/collective/perform.cc",
        "core/collective/reduce.cc",
        "core/collective/reduce_scatter.cc",
        "core/collective/scatter.cc",
        "core/collective/schedule.cc",
        "core/collective/send_recv.cc",
        "core/communicator.cc",
        "core/communicator_watch.cc",
        "core/crew.cc",
        "core/device_context.cc",
        "core/kernels/combine.cc",
        "core/kernels/combine_avx2.cc",
        "core/kernels/combine_avx512.cc",
        "core/kernels/combine_portable.cc",
        "core/kernels/crc32c.cc",
        "core/kernels/crc32c_fold.cc",
        "core/kernels/dequantise.cc",
        "core/kernels/digest.cc",
        "core/kernels/quantise.cc",
        "core/kernels/running_statistic.cc",
        "core/kernels/sgd.cc",
        "core/lane.cc",
        "core/operation.cc",
        "core/registry.cc",
        "core/shared_memory.cc",
        "core/signature.cc",
        "core/span/announcements.cc",
        "core/span/combine_and_check.cc",
        "core/span/role.cc",
        "core/span/span.cc",
        "core/span/span_steps.cc",
        "core/span/staging.cc",
        "core/span/trunk.cc",
        "core/wire/ack_schedule.cc",
        "core/wire/batch.cc",
        "core/wire/failure_code.cc",
        "core/wire/frame.cc",
        "core/wire/frame_reader.cc",
        "core/wire/link.cc",
        "core/wire/link_reader.cc",
        "core/wire/link_writer.cc",
        "core/wire/msgpack.cc",
        "core/wire/receiver.cc",
        "core/wire/sender.cc",
        "core/wire/signature_code.cc",
        "core/wire/slots.cc",
        "core/wire/socket.cc",
        "addon/addon.cc",
        "addon/backing_store.cc",
        "addon/call_argument.cc",
        "addon/communicator_handle.cc",
        "addon/completion_queue.cc",
        "addon/device_context_handle.cc",
        "addon/failure_object.cc",
        "addon/kernel_functions.cc",
        "addon/membership_handle.cc",
        "addon/region_argument.cc",
        "addon/shared_region_handle.cc",
        "addon/trunk_handle.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
      # No contraction into FMA, or bits would depend on the processor; the
      # promise not to trap only allows vector code, it changes no result.
      "cflags_cc": [
        "-std=c++20", "-O3", "-ffp-contract=off", "-fno-trapping-math",
        "-fvisibility=hidden", "-Wall", "-Wextra"
      ],
      "conditions": [
        ["OS=='linux'", {
          # Worker threads come and go, and with the last one Node.js would
          # unload the library under the process-wide registry.
          "ldflags": ["-Wl,-z,nodelete"]
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "OTHER_CPLUSPLUSFLAGS": ["-O3", "-ffp-contract=off", "-fno-trapping-math"]
          }
        }]
      ]
    }
  ]
}
