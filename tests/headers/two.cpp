#include "all_headers.hpp"

const void* misuse_handler_in_two() {
  return &allot::misuse_handler;
}
