#!/bin/sh
# old_cmake.sh FOLDER: what is installed for find_package in FOLDER is read by CMake 3.16: it asks for
# no later one, and has no command and no keyword that came later.
set -eu
cd "$1"
[ -f allot-config.cmake ] && [ -f allot-config-version.cmake ]

for version in $(sed -n 's/.*CMAKE_VERSION VERSION_LESS "\{0,1\}\([0-9.]*\).*/\1/p' ./*.cmake); do
  [ "$(printf '%s\n' 3.16 "$version" | sort --version-sort | tail -n 1)" = 3.16 ] || {
    echo "asks for CMake $version"
    exit 1
  }
done

known='^(add_library|cmake_policy|else|elseif|endforeach|endif|file|foreach|get_filename_component|if|include|list|math|message|return|set|set_property|set_target_properties|string|unset)$'
later=$(sed 's/#.*//' ./*.cmake | grep -oE '^ *[a-z_]+ *\(' | tr -d ' (' | sort -u | grep -vE "$known" || true)
[ -z "$later" ] || { echo "is not known to be in CMake 3.16: $later"; exit 1; }
! grep -nE 'FILE_SET|CXX_MODULES|cmake_path|ZIP_LISTS|PATH:|TARGET_GENEX_EVAL' ./*.cmake
