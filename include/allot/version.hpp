// Which allot this is. The numbers are those of semantic versions: docs/versions.md says what each
// may change. CMake, the command and the packages take them from here.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#define ALLOT_VERSION_MAJOR 0
#define ALLOT_VERSION_MINOR 2
#define ALLOT_VERSION_PATCH 0

/// One number, which later versions have a larger one than: 10203 is 1.2.3.
#define ALLOT_VERSION                                                                              \
  (ALLOT_VERSION_MAJOR * 10000 + ALLOT_VERSION_MINOR * 100 + ALLOT_VERSION_PATCH)

/// The same as text: "1.2.3".
#define ALLOT_VERSION_STRING                                                                       \
  ALLOT_DETAIL_TEXT(ALLOT_VERSION_MAJOR)                                                           \
  "." ALLOT_DETAIL_TEXT(ALLOT_VERSION_MINOR) "." ALLOT_DETAIL_TEXT(ALLOT_VERSION_PATCH)
#define ALLOT_DETAIL_TEXT(number) ALLOT_DETAIL_QUOTED(number)
#define ALLOT_DETAIL_QUOTED(number) #number

#endif
