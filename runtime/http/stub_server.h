#pragma once
// For tests: an HTTP server on this machine that answers as its handler says, byte by byte if need be, so that it can
// be slow, wrong or rude. One thread a connection; the handler runs on it and may block. The destructor ends all
// connections, which ends whatever waits on them.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jade::http {

struct StubRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int number = 0;  // of the server's requests, from 1
};

class StubConnection {
 public:
  explicit StubConnection(int socket) : socket_(socket) {}

  // Bytes as they are; false when the peer is gone.
  bool Send(std::string_view bytes);
  // A whole reply, with its length. `headers`: "Name: value\r\n"…
  bool Reply(int status, std::string_view body, std::string_view headers = "Content-Type: application/json\r\n");
  // The head of a reply without a length, which ends with the connection.
  bool BeginStream(std::string_view content_type = "text/event-stream");
  void Close();          // after the handler, no further request is read
  void Reset();          // closes so that the peer sees a reset
  void WaitUntilLeft();  // until the peer closes, or the server ends

 private:
  friend class StubServer;
  bool ReadRequest(StubRequest* request);
  int socket_;
  bool open_ = true;
  std::string pending_;
};

class StubServer {
 public:
  using Handler = std::function<void(const StubRequest&, StubConnection&)>;
  explicit StubServer(Handler handler);
  ~StubServer();
  StubServer(const StubServer&) = delete;
  StubServer& operator=(const StubServer&) = delete;

  std::string Url(const std::string& path) const;
  int port() const { return port_; }
  int requests() const { return requests_; }
  int connections() const { return connections_; }

 private:
  void Accept();
  void Serve(int socket);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_{0}, connections_{0};
  std::mutex mutex_;
  bool stopping_ = false;
  std::set<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace jade::http
