# Compiler cache, linker and sanitizers. Everything here is about how to build, nothing about what.

find_program(JADE_CCACHE ccache)
if(JADE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header is cacheable only when its time stamps and macros are not compared. Paths are taken relative to
  # the tree, so that another clone on this machine finds the same objects.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true ${JADE_CCACHE})
endif()

find_program(JADE_LLD ld.lld)
if(JADE_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# Names this build in the key of cached code.
add_link_options(-Wl,--build-id)

if(JADE_SANITIZE)
  add_compile_options(-fsanitize=${JADE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${JADE_SANITIZE})
endif()

# LibTorch, ANTLR and the fuzzers are heavy: two of them at once fill a small machine.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=2)
