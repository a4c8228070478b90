#pragma once
// Internal to runtime/retrieve: what the remote retrievers share.

#include <functional>
#include <memory>
#include <string>

#include "runtime/http/http.h"
#include "runtime/retrieve/remote.h"

namespace jade::retrieve::internal {

Result<std::unique_ptr<http::Client>> MakeClient(const RemoteSearchOptions& options);

// kInvalidArgument unless it is one.
Status CheckUrl(const std::string& url);

// A POST of JSON as the options say.
http::Request MakeRequest(const RemoteSearchOptions& options, std::string url, std::string body, uint64_t seed);

// What a reply that is not 2xx means, with what to do. Without the authorization, should the server have repeated it.
Error RefusalOf(const RemoteSearchOptions& options, const std::string& url, const http::Response& response);

// Gives the reply to `read` (an error: the reply is tried again), and how it ended to `done`. Both are called on the
// client's thread.
std::unique_ptr<http::Receiver> Receive(std::function<Status(const std::string& body)> read,
                                        std::function<void(Result<http::Response>)> done);

}  // namespace jade::retrieve::internal
