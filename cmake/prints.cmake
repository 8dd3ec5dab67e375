# cmake -D program=P -D document=D -P prints.cmake: what the program prints stands in the document.
execute_process(COMMAND ${program} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
file(READ ${document} text)
string(FIND "${text}" "\nprints\n\n```text\n${printed}```\n" found)
if(NOT result EQUAL 0 OR found EQUAL -1)
  message(FATAL_ERROR "${document} does not show what the program prints (exit code ${result}):\n${printed}")
endif()
