#include "runtime/http/curl_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace jade::http::internal {
namespace {

constexpr char kFile[] = "libcurl.so.4";

struct Loaded {
  CurlLibrary library;
  std::string problem;  // empty: it is there
};

Loaded Load() {
  Loaded loaded;
  void* file = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) {
    loaded.problem =
        fmt::format("`{}`, which speaks HTTP for JADE, cannot be loaded: install libcurl ({})", kFile, dlerror());
    return loaded;
  }
  const auto find = [&](const char* name, auto* function) {
    *function = reinterpret_cast<std::remove_pointer_t<decltype(function)>>(dlsym(file, name));
    if (*function == nullptr && loaded.problem.empty()) {
      loaded.problem = fmt::format("`{}` is too old: it has no `{}`", kFile, name);
    }
  };
  CurlLibrary& curl = loaded.library;
  find("curl_global_init", &curl.global_init);
  find("curl_easy_init", &curl.easy_init);
  find("curl_easy_cleanup", &curl.easy_cleanup);
  find("curl_easy_reset", &curl.easy_reset);
  find("curl_easy_setopt", &curl.easy_setopt);
  find("curl_easy_getinfo", &curl.easy_getinfo);
  find("curl_easy_strerror", &curl.easy_strerror);
  find("curl_slist_append", &curl.slist_append);
  find("curl_slist_free_all", &curl.slist_free_all);
  find("curl_multi_init", &curl.multi_init);
  find("curl_multi_cleanup", &curl.multi_cleanup);
  find("curl_multi_setopt", &curl.multi_setopt);
  find("curl_multi_wakeup", &curl.multi_wakeup);
  find("curl_multi_perform", &curl.multi_perform);
  find("curl_multi_add_handle", &curl.multi_add_handle);
  find("curl_multi_remove_handle", &curl.multi_remove_handle);
  find("curl_multi_info_read", &curl.multi_info_read);
  find("curl_multi_poll", &curl.multi_poll);
  if (loaded.problem.empty() && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    loaded.problem = "libcurl cannot be started";
  }
  return loaded;
}

const Loaded& Library() {
  static const Loaded loaded = Load();
  return loaded;
}

}  // namespace

Status LoadCurl() {
  if (Library().problem.empty()) return {};
  return Error(ErrorCode::kUnavailable, Library().problem);
}

const CurlLibrary& Curl() {
  JADE_CHECK(Library().problem.empty(), "libcurl is used and not loaded");
  return Library().library;
}

}  // namespace jade::http::internal
