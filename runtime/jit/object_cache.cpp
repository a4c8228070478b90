#include "runtime/jit/object_cache.h"

#include <fmt/format.h>
#include <link.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "compiler/abi/native.h"
#include "compiler/ir/printer.h"

namespace jade::jit {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "JADEOBJ1";
constexpr uint64_t kLargestFile = 64ULL << 20U;
constexpr size_t kKeyDigits = 32;

// The linker's build id of the running program, in which the code generator is: as hex.
std::string BuildId() {
  std::string id;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_NOTE) continue;
          const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
          const char* end = at + header.p_memsz;
          while (at + sizeof(ElfW(Nhdr)) <= end) {
            const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
            const char* name = at + sizeof(*note);
            const char* content = name + ((note->n_namesz + 3U) & ~3U);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
              for (uint32_t byte = 0; byte < note->n_descsz; ++byte) {
                *static_cast<std::string*>(out) += fmt::format("{:02x}", static_cast<unsigned char>(content[byte]));
              }
            }
            at = content + ((note->n_descsz + 3U) & ~3U);
          }
        }
        return 1;  // the first is the program itself
      },
      &id);
  return id;
}

std::string Hex(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

std::string ObjectCache::KeyOf(const ir::Module& module, const codegen::CodegenOptions& options) {
  static const std::string kBuild = BuildId();
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", ir::Print(module, {.spans = options.debug}), abi::kNativeVersion, kBuild,
                  codegen::TargetDescription(), static_cast<int>(options.optimise), options.debug);
  return Hex(XXH3_128bits(text.data(), text.size()));
}

std::string ObjectCache::Load(const std::string& key) const {
  const std::string path = PathOf(key);
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error || size > kLargestFile) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  const size_t head = kMagic.size() + 32;
  if (content.size() <= head || !content.starts_with(kMagic)) return {};
  std::string object = content.substr(head);
  if (content.substr(kMagic.size(), 32) != Hex(XXH3_128bits(object.data(), object.size()))) return {};
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);  // when it was used last
  return object;
}

void ObjectCache::Store(const std::string& key, const std::string& object) const {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) return;
  const std::string aside = fmt::format("{}.{}", PathOf(key), gettid());  // no other thread of the machine has the name
  {
    std::ofstream file(aside, std::ios::binary | std::ios::trunc);
    file << kMagic << Hex(XXH3_128bits(object.data(), object.size())) << object;
    if (!file.flush()) {
      file.close();
      fs::remove(aside, error);
      return;
    }
  }
  fs::rename(aside, PathOf(key), error);
  if (error) {
    fs::remove(aside, error);
    return;
  }
  Trim();
}

void ObjectCache::Trim() const {
  struct File {
    fs::path path;
    fs::file_time_type used;
    uint64_t bytes;
  };
  std::vector<File> files;
  uint64_t bytes = 0;
  std::error_code error;
  const fs::file_time_type now = fs::file_time_type::clock::now();
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.find(".o") != kKeyDigits) continue;  // not one of ours
    // Another process may remove it meanwhile.
    std::error_code gone;
    const fs::file_time_type used = entry->last_write_time(gone);
    const uint64_t size = entry->file_size(gone);
    if (gone) continue;
    const bool aside = name.size() > kKeyDigits + 2;
    if (aside) {  // of a process that ended while it wrote, if it is old
      if (now - used > std::chrono::hours(1)) fs::remove(entry->path(), gone);
      continue;
    }
    files.push_back({entry->path(), used, size});
    bytes += size;
  }
  if (files.size() <= limits_.files && bytes <= limits_.bytes) return;
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  size_t count = files.size();
  for (const File& file : files) {
    if (count <= limits_.files - limits_.files / 5 && bytes <= limits_.bytes - limits_.bytes / 5) return;
    fs::remove(file.path, error);
    --count;
    bytes -= file.bytes;
  }
}

}  // namespace jade::jit
