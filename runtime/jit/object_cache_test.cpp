#include "runtime/jit/object_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <xxhash.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "compiler/ir/reader.h"
#include "runtime/jit/jit.h"

namespace jade::jit {
namespace {

namespace fs = std::filesystem;

class ObjectCacheTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(directory_); }
  void TearDown() override { fs::remove_all(directory_); }

  static std::string Key(int number) { return std::string(31, '0') + static_cast<char>('a' + number); }
  void Age(const std::string& name, int hours) const {
    const fs::path path = fs::path(directory_) / name;
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  }
  size_t Count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }
  // Every file of the directory becomes what `change` makes of it.
  template <typename Change>
  void Damage(Change change) const {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(in), {}};
      std::ofstream(entry.path(), std::ios::binary | std::ios::trunc) << change(content);
    }
  }

  const std::string directory_ = testing::TempDir() + "/jade_objects_" + std::to_string(getpid());
};

// Compiles a small module with a cache in `directory`; whether its code came from there.
bool FromCache(const std::string& directory) {
  auto module = ir::Read("jir 1\n\npure F(%0: Int a) -> Int {\n  %1: Int = int.neg(%0)\n  yield(%1)\n}\n");
  JitOptions options;
  options.cache_directory = directory;
  auto jit = Jit::Create(options);
  if (!module.ok() || !jit.ok()) {
    ADD_FAILURE();
    return false;
  }
  auto code = (*jit)->Compile(**module);
  EXPECT_TRUE(code.ok());
  return code.ok() && (*code)->Find(0) != nullptr && (*code)->from_cache();
}

TEST_F(ObjectCacheTest, DamagedFilesAreMadeAnew) {
  EXPECT_FALSE(FromCache(directory_));
  EXPECT_TRUE(FromCache(directory_));
  const std::vector<std::function<std::string(std::string)>> changes = {
      [](std::string) { return std::string(); },
      [](const std::string& content) { return content.substr(0, 20); },
      [](const std::string& content) { return content.substr(0, content.size() / 2); },
      [](const std::string& content) { return content + "x"; },
      [](std::string content) {
        content[200] = static_cast<char>(content[200] + 1);
        return content;
      },
      [](std::string content) {
        content[7] = '0';  // of another version
        return content;
      }};
  for (const auto& change : changes) {
    Damage(change);
    EXPECT_FALSE(FromCache(directory_));
    EXPECT_TRUE(FromCache(directory_));
  }
}

// The checksum is right, what it is of is not an object.
TEST_F(ObjectCacheTest, ForeignContentIsAsGoodAsNone) {
  EXPECT_FALSE(FromCache(directory_));
  std::string object;
  Damage([&object](const std::string& content) {
    object = content.substr(40);
    return content;
  });
  const auto wrapped = [](const std::string& text) {
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    char digits[33];
    std::snprintf(digits, sizeof(digits), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                  static_cast<unsigned long long>(hash.low64));
    return "JADEOBJ1" + std::string(digits) + text;
  };
  for (const std::string& text :
       {std::string("no object"), object.substr(0, object.size() / 2), object.substr(0, 64)}) {
    Damage([&](const std::string&) { return wrapped(text); });
    EXPECT_FALSE(FromCache(directory_));
    EXPECT_TRUE(FromCache(directory_));
  }
  Damage([&](const std::string&) { return wrapped(object); });
  EXPECT_TRUE(FromCache(directory_));
}

TEST_F(ObjectCacheTest, NoPlaceToWriteIsNoFailure) {
  EXPECT_FALSE(FromCache("/dev/null/objects"));
  EXPECT_FALSE(FromCache("/proc/objects"));
  fs::create_directories(directory_);
  std::ofstream(directory_ + "/file") << "x";
  EXPECT_FALSE(FromCache(directory_ + "/file"));
  // A directory where the file should be.
  EXPECT_FALSE(FromCache(directory_ + "/deep/er"));
  for (const auto& entry : fs::directory_iterator(directory_ + "/deep/er")) {
    const fs::path path = entry.path();
    fs::remove(path);
    fs::create_directories(path / "in the way");
  }
  EXPECT_FALSE(FromCache(directory_ + "/deep/er"));
}

TEST_F(ObjectCacheTest, TheLongestUnusedGoFirst) {
  const ObjectCache cache(directory_, {.bytes = 1 << 20, .files = 5});
  for (int i = 0; i < 5; ++i) {
    cache.Store(Key(i), "object");
    Age(Key(i) + ".o", 10 - i);
  }
  EXPECT_EQ(Count(), 5U);
  EXPECT_EQ(cache.Load(Key(0)), "object");  // used now
  cache.Store(Key(5), "object");
  EXPECT_EQ(Count(), 4U);
  EXPECT_EQ(cache.Load(Key(0)), "object");
  EXPECT_EQ(cache.Load(Key(1)), "");
  EXPECT_EQ(cache.Load(Key(2)), "");
  EXPECT_EQ(cache.Load(Key(5)), "object");
}

TEST_F(ObjectCacheTest, BytesAreBounded) {
  const ObjectCache cache(directory_, {.bytes = 10'000, .files = 1000});
  for (int i = 0; i < 20; ++i) cache.Store(Key(i), std::string(3000, 'x'));
  EXPECT_LE(Count(), 3U);
  EXPECT_EQ(cache.Load(Key(19)).size(), 3000U);
}

TEST_F(ObjectCacheTest, LeavesAloneWhatIsNotItsOwn) {
  const ObjectCache cache(directory_, {.bytes = 1000, .files = 1});
  cache.Store(Key(0), "object");
  for (const std::string name : {"notes.txt", "x.o"}) {
    std::ofstream(directory_ + "/" + name) << std::string(5000, 'x');
    Age(name, 1000);
  }
  for (const auto& [suffix, hours] : {std::pair{".o.17", 0}, std::pair{".o.18", 5}}) {
    std::ofstream(directory_ + "/" + Key(7) + suffix) << "half an obj";
    Age(Key(7) + suffix, hours);
  }
  cache.Store(Key(1), "object");
  cache.Store(Key(2), "object");
  EXPECT_TRUE(fs::exists(directory_ + "/notes.txt"));
  EXPECT_TRUE(fs::exists(directory_ + "/x.o"));
  EXPECT_TRUE(fs::exists(directory_ + "/" + Key(7) + ".o.17"));  // still being written
  EXPECT_FALSE(fs::exists(directory_ + "/" + Key(7) + ".o.18"));
}

TEST_F(ObjectCacheTest, ManyMayShareADirectory) {
  const auto work = [this] {
    const ObjectCache cache(directory_, {.bytes = 1 << 20, .files = 4});
    for (int i = 0; i < 60; ++i) {
      cache.Store(Key(i % 8), "object of " + Key(i % 8));
      const std::string found = cache.Load(Key((i + 3) % 8));
      EXPECT_TRUE(found.empty() || found == "object of " + Key((i + 3) % 8));
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const ObjectCache cache(directory_, {.bytes = 1 << 20, .files = 4});
  cache.Store(Key(9), "object");
  EXPECT_LE(Count(), 4U);
}

}  // namespace
}  // namespace jade::jit
