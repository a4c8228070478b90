#pragma once
// Retrievers on other machines, as tools: OpenSearch and Elasticsearch, and the plain search endpoint of the published
// code of the method. Requests go through runtime/http, many at once. Submit and Cancel from any thread.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/clock.h"
#include "runtime/engine/engine.h"

namespace jade::retrieve {

struct RemoteSearchOptions {
  std::string url;            // OpenSearch: of the cluster, "http://host:9200"; endpoint: of the search itself
  std::string authorization;  // value of the header; empty: none. Never shown
  // OpenSearch: what is searched, where a passage's parts stand in a document, and how it is searched.
  std::string index;
  std::string id_field;  // empty: the hit's own `_id`
  std::string title_field = "title";
  std::string text_field = "text";
  std::vector<std::string> search_fields{"title^2", "text"};
  int batch = 64;  // endpoint: the most questions in one request
  int concurrency = 16;
  int retries = 3;
  std::chrono::microseconds timeout = std::chrono::seconds(10);  // of one attempt
  double requests_per_second = 0;                                // 0: no limit
  std::shared_ptr<engine::Clock> clock;                          // null: real time
};

// POST URL/INDEX/_search with a multi_match query. A reply that timed out or lacks shards is no reply: it is tried
// again, then an error.
Result<std::unique_ptr<engine::ToolProvider>> MakeOpenSearchTool(RemoteSearchOptions options,
                                                                 std::vector<std::string> tools, int max_k);

// POST URL with {"questions": […], "N": k}; the reply has for each question, in order, {"question": …, "top_k_docs":
// […]} or just a list of documents. A document is a text, its first line the title, or an object with `contents` or
// `text`, and `title`, `id`, `score`. The calls that wait when Step comes go out together, in one request.
Result<std::unique_ptr<engine::ToolProvider>> MakeSearchEndpointTool(RemoteSearchOptions options,
                                                                     std::vector<std::string> tools, int max_k);

// Whether the server answers: for `jade doctor`. Waits for it.
Status TryOpenSearch(const RemoteSearchOptions& options);
Status TrySearchEndpoint(const RemoteSearchOptions& options);

}  // namespace jade::retrieve
