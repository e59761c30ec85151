#pragma once

#include "../signature.h"
#include "msgpack.h"

namespace kaitian::wire {

// Most bytes of a signature: the array, four 64-bit and one 32-bit number, three values.
constexpr size_t kSignatureBytes = 1 + 4 * 9 + 5 + 3;

void pack(Packer& out, const Signature& signature);
// Throws WireError.
Signature unpackSignature(Unpacker& in);

}  // namespace kaitian::wire
