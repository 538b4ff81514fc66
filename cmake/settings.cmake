# How everything is compiled. rejoin_target() in targets.cmake applies it.

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # the same libraries go into the extension
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

find_program(REJOIN_CCACHE ccache)
if(REJOIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${REJOIN_CCACHE}")
endif()

add_library(rejoin_settings INTERFACE)

# Clang counts sign conversions under -Wconversion, g++ does not: hold both to
# the same set, so that what compiles here compiles there.
target_compile_options(rejoin_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)

# Builds reproduce: no path of the machine gets into an object. (The last map
# that fits is taken, and the build folder often lies within the sources.)
target_compile_options(rejoin_settings INTERFACE
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/="
  "-ffile-prefix-map=${PROJECT_BINARY_DIR}/=")

if(REJOIN_SANITIZE)
  target_compile_options(rejoin_settings INTERFACE
    "-fsanitize=${REJOIN_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(rejoin_settings INTERFACE "-fsanitize=${REJOIN_SANITIZE}")
endif()
