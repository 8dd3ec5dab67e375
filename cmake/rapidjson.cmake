# rapidjson: to link with, where RAPIDJSON_INCLUDE_DIRS was found. It adds to null pointers.
if(NOT TARGET rapidjson)
  add_library(rapidjson INTERFACE)
  target_include_directories(rapidjson SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS})
  target_compile_options(rapidjson INTERFACE -fno-sanitize=pointer-overflow)
endif()
