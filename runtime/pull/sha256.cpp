#include "runtime/pull/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace jade::pull {

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  JADE_CHECK(context_->digest && EVP_DigestInit_ex(context_->digest.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::Add(std::span<const std::byte> bytes) {
  JADE_CHECK(EVP_DigestUpdate(context_->digest.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  JADE_CHECK(EVP_DigestFinal_ex(context_->digest.get(), bytes.data(), &size) == 1);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

Result<std::string> Sha256OfFile(const std::string& path, const std::function<bool()>& cancelled) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) {
    return Error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, std::strerror(errno))
        .Wrap(fmt::format("reading `{}`", path));
  }
  Sha256 digest;
  std::vector<std::byte> block(size_t{1} << 20);
  while (const size_t count = std::fread(block.data(), 1, block.size(), file.get())) {
    digest.Add(std::span(block).first(count));
    if (cancelled && cancelled()) return Error(ErrorCode::kCancelled, "interrupted");
  }
  if (std::ferror(file.get()) != 0) return Error(ErrorCode::kIo, "read error").Wrap(fmt::format("reading `{}`", path));
  return digest.Finish();
}

}  // namespace jade::pull
