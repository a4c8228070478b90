#include "runtime/http/stub_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "compiler/result/check.h"

namespace jade::http {

bool StubConnection::Send(std::string_view bytes) {
  while (open_ && !bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return open_ = false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return open_;
}

bool StubConnection::Reply(int status, std::string_view body, std::string_view headers) {
  return Send(fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), headers, body));
}

bool StubConnection::BeginStream(std::string_view content_type) {
  return Send(fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nConnection: close\r\n\r\n", content_type));
}

void StubConnection::Close() {
  ::shutdown(socket_, SHUT_RDWR);
  open_ = false;
}

void StubConnection::Reset() {
  const linger now{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  open_ = false;
}

void StubConnection::WaitUntilLeft() {
  std::array<char, 512> bytes{};
  while (::recv(socket_, bytes.data(), bytes.size(), 0) > 0) {
  }
  open_ = false;
}

bool StubConnection::ReadRequest(StubRequest* request) {
  const auto more = [this] {
    std::array<char, 16384> bytes{};
    const ssize_t got = open_ ? ::recv(socket_, bytes.data(), bytes.size(), 0) : 0;
    if (got <= 0) return open_ = false;
    pending_.append(bytes.data(), static_cast<size_t>(got));
    return true;
  };
  size_t head = std::string::npos;
  while ((head = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return false;
  }
  size_t at = pending_.find("\r\n");
  const std::string line = pending_.substr(0, at);
  const size_t space = line.find(' ');
  request->method = line.substr(0, space);
  request->path = line.substr(space + 1, line.rfind(' ') - space - 1);
  while (at < head) {
    const size_t end = pending_.find("\r\n", at + 2);
    const std::string header = pending_.substr(at + 2, end - at - 2);
    const size_t colon = header.find(": ");
    std::string name = header.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (colon != std::string::npos) request->headers[name] = header.substr(colon + 2);
    at = end;
  }
  const auto length = request->headers.find("content-length");
  const size_t bytes = length == request->headers.end() ? 0 : std::stoul(length->second);
  while (pending_.size() < head + 4 + bytes) {
    if (!more()) return false;
  }
  request->body = pending_.substr(head + 4, bytes);
  pending_.erase(0, head + 4 + bytes);
  return true;
}

StubServer::StubServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  JADE_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_, 1024) == 0 &&
                 ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
             "no port to listen on");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

StubServer::~StubServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (std::thread& thread : threads_) thread.join();
}

std::string StubServer::Url(const std::string& path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, path);
}

void StubServer::Accept() {
  while (true) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    std::lock_guard lock(mutex_);
    if (stopping_ || socket < 0) {
      if (socket >= 0) ::close(socket);
      return;
    }
    ++connections_;
    sockets_.insert(socket);
    threads_.emplace_back([this, socket] { Serve(socket); });
  }
}

void StubServer::Serve(int socket) {
  StubConnection connection(socket);
  StubRequest request;
  while (connection.ReadRequest(&request)) {
    request.number = ++requests_;
    handler_(request, connection);
    request = {};
  }
  std::lock_guard lock(mutex_);
  sockets_.erase(socket);
  ::close(socket);
}

}  // namespace jade::http
