#include "base/status.h"

namespace rejoin {

std::string_view CodeName(Code code) {
  switch (code) {
#define REJOIN_CODE(name, number, meaning, cure) \
  case Code::k##name:                            \
    return #name;
#include "base/error_codes.def"
#undef REJOIN_CODE
  }
  return "Unknown";
}

}  // namespace rejoin
