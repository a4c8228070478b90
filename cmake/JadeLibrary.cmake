# jade_library(NAME name SRCS a.cpp … [DEPS jade_x fmt::fmt …] [PRIVATE_DEPS …] [TESTS a_test.cpp …])
#
# One target a folder. Public headers are included from the top of the tree ("compiler/ast/node.h"). DEPS are what the
# public headers need, PRIVATE_DEPS stay behind them. TESTS become one GoogleTest binary `name_test` with the folder as
# its working directory.
add_library(jade_warnings INTERFACE)
target_compile_options(jade_warnings INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual
                                               -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms in libstdc++'s own strings (https://gcc.gnu.org/PR105651).
  target_compile_options(jade_warnings INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
endif()
if(JADE_WERROR)
  target_compile_options(jade_warnings INTERFACE -Werror)
endif()

function(jade_library)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS;PRIVATE_DEPS;TESTS;TEST_DEPS" ${ARGN})
  if(ARG_SRCS)
    add_library(${ARG_NAME} STATIC ${ARG_SRCS})
    target_include_directories(${ARG_NAME} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
    target_link_libraries(${ARG_NAME} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS} $<BUILD_INTERFACE:jade_warnings>)
  else()
    add_library(${ARG_NAME} INTERFACE)
    target_include_directories(${ARG_NAME} INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
    target_link_libraries(${ARG_NAME} INTERFACE ${ARG_DEPS})
  endif()
  if(ARG_TESTS AND JADE_TESTS)
    jade_test(NAME ${ARG_NAME}_test SRCS ${ARG_TESTS} DEPS ${ARG_NAME} ${ARG_PRIVATE_DEPS} ${ARG_TEST_DEPS})
  endif()
endfunction()

# jade_test(NAME name SRCS a_test.cpp … DEPS …): a GoogleTest binary, one ctest entry for each TEST.
include(GoogleTest)
if(JADE_TESTS)
  add_library(jade_test_main STATIC ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
  target_link_libraries(jade_test_main PUBLIC GTest::gmock GTest::gtest PRIVATE jade_warnings)
endif()
function(jade_test)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} jade_warnings jade_test_main)
  target_compile_definitions(${ARG_NAME} PRIVATE JADE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                 JADE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${ARG_NAME} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DISCOVERY_TIMEOUT 60)
endfunction()
