#include "signature_code.h"

namespace kaitian::wire {
namespace {

constexpr size_t kFields = 8;

}  // namespace

void pack(Packer& out, const Signature& signature) {
  out.array(kFields);
  out.integer(signature.sequence);
  out.integer(signature.count);
  out.integer(signature.offset);
  out.integer(signature.generation);
  out.integer(signature.root);
  out.integer(static_cast<uint64_t>(signature.collective));
  out.integer(static_cast<uint64_t>(signature.op));
  out.integer(static_cast<uint64_t>(signature.dtype));
}

Signature unpackSignature(Unpacker& in) {
  in.arrayOf(kFields);
  Signature signature;
  signature.sequence = in.integer();
  signature.count = in.integer();
  signature.offset = in.integer();
  signature.generation = in.integer();
  signature.root = static_cast<uint32_t>(in.integer(UINT32_MAX));
  signature.collective = in.oneOf(Collective::SendRecv);
  signature.op = in.oneOf(static_cast<Op>(kOps - 1));
  signature.dtype = in.oneOf(static_cast<DType>(kDTypes - 1));
  return signature;
}

}  // namespace kaitian::wire
