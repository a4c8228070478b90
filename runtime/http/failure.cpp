#include "runtime/http/failure.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "compiler/source/source.h"

namespace jade::http {
namespace {

using nlohmann::json;

constexpr size_t kShownBytes = 300;

std::string_view Meaning(int status) {
  switch (status) {
    case 400:
      return "bad request";
    case 401:
      return "not authorised";
    case 403:
      return "forbidden";
    case 404:
      return "not found";
    case 405:
      return "method not allowed";
    case 408:
      return "timeout";
    case 413:
      return "too large";
    case 429:
      return "too many requests";
    case 500:
      return "internal error";
    case 502:
      return "bad gateway";
    case 503:
      return "unavailable";
    case 504:
      return "gateway timeout";
    default:
      return "";
  }
}

// One line, printable, cut at a whole code point.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, 4 * kShownBytes)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    if (!blank) {
      line.push_back(c);
    } else if (!line.empty() && line.back() != ' ') {
      line.push_back(' ');
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  // Cut in the middle of a code point, or never text at all.
  if (source::FirstInvalidUtf8(line) != std::string_view::npos) {
    for (char& c : line) c = static_cast<unsigned char>(c) < 0x80U ? c : '?';
  }
  if (line.size() <= kShownBytes) return line;
  size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "…";
}

std::string TextAt(const json& object, const char* key) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

std::string ShownUrl(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const std::string_view rest = url.substr(scheme + 3);
  const std::string_view host = rest.substr(0, rest.find('/'));
  const size_t at = host.rfind('@');
  return std::string(url.substr(0, scheme + 3)) +
         std::string(at == std::string_view::npos ? rest : rest.substr(at + 1));
}

std::string ServerMessage(std::string_view body) {
  const json reply = NestsTooDeep(body) ? json() : json::parse(body, nullptr, false);
  if (reply.is_object()) {
    const auto error = reply.find("error");
    if (error != reply.end() && error->is_string()) return OneLine(error->get_ref<const std::string&>());
    for (const char* key : {"message", "reason", "detail"}) {
      if (error != reply.end()) {
        if (const std::string text = TextAt(*error, key); !text.empty()) return OneLine(text);
      }
      if (const std::string text = TextAt(reply, key); !text.empty()) return OneLine(text);
    }
  }
  return OneLine(body);
}

Error StatusError(const std::string& method, const std::string& url, const Response& response) {
  ErrorCode code = ErrorCode::kUnavailable;
  switch (response.status) {
    case 400:
    case 413:
    case 422:
      code = ErrorCode::kInvalidArgument;
      break;
    case 404:
    case 405:
    case 410:
    case 501:
      code = ErrorCode::kNotFound;
      break;
    default:
      break;
  }
  const std::string_view meaning = Meaning(response.status);
  const std::string said = ServerMessage(response.body);
  return Error(code, fmt::format("{} {}: status {}{}{}{}", method, ShownUrl(url), response.status,
                                 meaning.empty() ? "" : fmt::format(" ({})", meaning), said.empty() ? "" : ": ", said));
}

bool NestsTooDeep(std::string_view json, int most) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_text = false;
      }
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > most) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace jade::http
