#pragma once
// What is said about an HTTP request that failed, and the strict reading of JSON that others wrote. Any thread.

#include <string>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/http/http.h"

namespace jade::http {

// A URL as it may be shown: without user name and password, query and fragment.
std::string ShownUrl(std::string_view url);

// What a server wrote about its failure: {"error": {"message": …}}, {"error": {"reason": …}}, {"error": …},
// {"message": …}, {"detail": …}, or the text itself; one line, 300 bytes at most.
std::string ServerMessage(std::string_view body);

// Of a reply that is not 2xx: "POST http://host/v1/x: status 404 (not found): the server's message". Codes: 400, 413,
// 422 kInvalidArgument; 404, 405, 410, 501 kNotFound; everything else kUnavailable.
Error StatusError(const std::string& method, const std::string& url, const Response& response);

// Whether text nests deeper than `most` lists and objects: asked before it is parsed.
bool NestsTooDeep(std::string_view json, int most = 64);

}  // namespace jade::http
