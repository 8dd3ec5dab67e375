# Components: `library` is all that programs need to be built with allot, and `tool` the command.
# What is written for find_package is read by CMake 3.16, too.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/allot)
install(TARGETS allot allot_header_only EXPORT allot
  ARCHIVE COMPONENT library
  LIBRARY COMPONENT library
  RUNTIME COMPONENT library)
install(DIRECTORY include/allot DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(DIRECTORY ${one_file} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/allot COMPONENT library)
install(EXPORT allot FILE allot-config.cmake NAMESPACE allot:: DESTINATION ${package_dir}
  COMPONENT library)
# Before 1.0 each minor version may break its users.
write_basic_package_version_file(allot-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/allot-config-version.cmake DESTINATION ${package_dir}
  COMPONENT library)

# For debuggers: gdb looks for the script of a shared library by that one's path, for that of a
# static one by the path that the program tells.
set(auto_load ${CMAKE_INSTALL_DATADIR}/gdb/auto-load)
install(DIRECTORY debugger/allot_debug DESTINATION ${CMAKE_INSTALL_DATADIR}/allot/debugger
  COMPONENT library FILES_MATCHING PATTERN "*.py")
install(FILES debugger/allot_lldb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/allot/debugger
  COMPONENT library)
install(FILES debugger/allot-gdb.py DESTINATION ${auto_load} COMPONENT library)
if(BUILD_SHARED_LIBS)
  install(FILES debugger/allot-gdb.py DESTINATION ${auto_load}${CMAKE_INSTALL_FULL_LIBDIR}
    RENAME $<TARGET_FILE_NAME:allot>-gdb.py COMPONENT library)
endif()

# Paths relative to allot.pc itself, so that an installation can be moved.
set(pkgconfig_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH include_from_pc ${pkgconfig_dir} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
list(JOIN instrumentation " " instrumentation_flags)
configure_file(cmake/allot.pc.in allot.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/allot.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT library)
