// The entry of every test binary: what a test writes under testing::TempDir() is in a folder of this process alone, so
// tests may run side by side. It is gone afterwards, unless TEST_TMPDIR says where to put it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();
  const bool keep = getenv("TEST_TMPDIR") != nullptr;
  std::string folder = testing::TempDir() + "jade_test_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 1;
  }
  setenv("TEST_TMPDIR", (folder + "/").c_str(), 1);  // what TempDir() reads; no other thread is running yet
  const int failed = RUN_ALL_TESTS();
  std::error_code ignored;
  if (!keep) std::filesystem::remove_all(folder, ignored);
  return failed;
}
