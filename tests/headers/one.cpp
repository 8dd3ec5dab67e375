// Every header is in both files of this program, and what they define is there once.
#include "all_headers.hpp"

const void* misuse_handler_in_two();

int main() {
  return &allot::misuse_handler == misuse_handler_in_two() ? 0 : 1;
}
