/* Native code that does not return by itself: a loop without a trip to JavaScript. */
#include <node_api.h>
#include <stdint.h>

/* untilAbort(word: Int32Array): returns when the word is no longer 0. */
static napi_value until_abort(napi_env env, napi_callback_info info) {
  napi_value word;
  size_t argc = 1, length;
  void *data;
  napi_typedarray_type type;
  napi_get_cb_info(env, info, &argc, &word, NULL, NULL);
  napi_get_typedarray_info(env, word, &type, &length, &data, NULL, NULL);
  while (__atomic_load_n((int32_t *)data, __ATOMIC_ACQUIRE) == 0) {
  }
  return NULL;
}

/* forever(): does not return. */
static napi_value forever(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  for (volatile int turn = 0;; turn++) {
  }
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "untilAbort", NAPI_AUTO_LENGTH, until_abort, NULL, &function);
  napi_set_named_property(env, exports, "untilAbort", function);
  napi_create_function(env, "forever", NAPI_AUTO_LENGTH, forever, NULL, &function);
  napi_set_named_property(env, exports, "forever", function);
  return exports;
}
