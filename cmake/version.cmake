# Makes <build>/generated/base/version.h from base/version.h.in.
#
# Included by the root it declares the target rejoin_version; that target runs
# this same file as a script at each build, since a commit needs no new
# configuration. The header is touched only when its text changes.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  add_custom_target(rejoin_version
    COMMAND "${CMAKE_COMMAND}"
      "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DBINARY=${PROJECT_BINARY_DIR}"
      "-DVERSION=${PROJECT_VERSION}" -P "${CMAKE_CURRENT_LIST_FILE}"
    BYPRODUCTS "${PROJECT_BINARY_DIR}/generated/base/version.h"
    COMMENT "Reading the version" VERBATIM)
  return()
endif()

# A packager without a repository may name the commit: REJOIN_COMMIT=... cmake ...
set(REJOIN_COMMIT "$ENV{REJOIN_COMMIT}")
if(NOT REJOIN_COMMIT AND EXISTS "${SOURCE}/.git")
  execute_process(
    COMMAND git -C "${SOURCE}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE REJOIN_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
    RESULT_VARIABLE failed)
  if(failed)
    set(REJOIN_COMMIT "")
  endif()
endif()
if(NOT REJOIN_COMMIT)
  set(REJOIN_COMMIT "unknown")
endif()
set(REJOIN_BUILT_S "$ENV{SOURCE_DATE_EPOCH}")
if(NOT REJOIN_BUILT_S AND EXISTS "${SOURCE}/.git")
  execute_process(
    COMMAND git -C "${SOURCE}" log -1 --format=%ct HEAD
    OUTPUT_VARIABLE REJOIN_BUILT_S OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT REJOIN_BUILT_S)
  file(TIMESTAMP "${SOURCE}/CHANGELOG.md" REJOIN_BUILT_S "%s" UTC)
endif()
set(REJOIN_VERSION "${VERSION}")
configure_file("${SOURCE}/base/version.h.in" "${BINARY}/generated/base/version.h" @ONLY)
