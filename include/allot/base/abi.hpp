// Which build this is. Everything of allot lives in an inline namespace named for it, because
// AddressSanitizer and Valgrind builds lay memory out differently: a program built one way and a
// library built another way then fail to link, instead of corrupting memory.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define ALLOT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALLOT_ASAN 1
#endif
#endif

// Without ALLOT_ABI the public headers are empty, so that nothing follows what is said here.
#if __cplusplus < 202002L
#error "allot needs C++20: compile with -std=c++20 or later"
#elif defined(ALLOT_ASAN) && defined(ALLOT_VALGRIND)
#error "allot: a build is for AddressSanitizer or for Valgrind, not for both"
#elif defined(ALLOT_ASAN)
#define ALLOT_ABI v1_asan
#elif defined(ALLOT_VALGRIND)
#define ALLOT_ABI v1_valgrind
#else
#define ALLOT_ABI v1
#endif
