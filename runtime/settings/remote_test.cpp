#include "runtime/settings/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/settings/settings.h"

namespace jade::settings {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Problems(const std::string& text) {
  const auto settings = ParseSettings("c.yaml", text);
  return settings.ok() ? "" : settings.error().ToString();
}

TEST(RemoteSettingsTest, ReadsABackbone) {
  const auto settings = ParseSettings("c.yaml",
                                      "backbone:\n"
                                      "  kind: remote\n"
                                      "  url: http://host:8000/v1\n"
                                      "  api: chat\n"
                                      "  timeout: 90s\n"
                                      "  concurrency: 7\n"
                                      "  policies: { planner: big, QR: small }\n");
  ASSERT_TRUE(settings.ok()) << settings.error().ToString();
  EXPECT_TRUE(settings->backbone.is_remote());
  EXPECT_EQ(settings->backbone.model, "");
  EXPECT_EQ(settings->backbone.remote.url, "http://host:8000/v1");
  EXPECT_EQ(settings->backbone.remote.api, "chat");
  EXPECT_EQ(settings->backbone.remote.timeout, 90.0);
  EXPECT_EQ(settings->backbone.remote.concurrency, 7);
  EXPECT_EQ(settings->backbone.remote.retries, 4);
  EXPECT_EQ(settings->backbone.policies.at("planner"), "big");
  EXPECT_EQ(ParseSettings("c.yaml", "backbone: { kind: remote, url: 'http://h', model: m }")->backbone.model, "m");
}

TEST(RemoteSettingsTest, SaysWhatIsWrongWithABackbone) {
  EXPECT_THAT(Problems("backbone: { kind: remote }"), HasSubstr("c.yaml:1: `backbone` needs a key `url`"));
  EXPECT_THAT(Problems("backbone: { model: nano, url: 'http://h' }"), HasSubstr("`url` is only for `kind: remote`"));
  EXPECT_THAT(Problems("backbone: { kind: remote, url: 'http://h', api: chatt }"), HasSubstr("chatt"));
  EXPECT_THAT(Problems("backbone: { kind: remote, url: 'http://h', dtype: fp32 }"),
              HasSubstr("`dtype` is only for `kind: local`"));
  EXPECT_THAT(Problems("backbone: { kind: remote, url: 'http://h', concurrency: 0 }"), HasSubstr("outside"));
  EXPECT_THAT(Problems("backbone: { kind: remote, url: 'http://h', policies: [a] }"), HasSubstr("must be a map"));
  EXPECT_THAT(Problems("backbone: { kind: remote, url: 'http://h', retires: 3 }"),
              HasSubstr("did you mean `retries`?"));
}

TEST(RemoteSettingsTest, ReadsRetrievers) {
  auto settings = ParseSettings("c.yaml",
                                "retriever:\n"
                                "  kind: opensearch\n"
                                "  url: http://host:9200\n"
                                "  index: wiki\n"
                                "  fields: { id: doc, text: body, search: [body, title^3] }\n");
  ASSERT_TRUE(settings.ok()) << settings.error().ToString();
  EXPECT_EQ(settings->retriever.remote.id_field, "doc");
  EXPECT_EQ(settings->retriever.remote.title_field, "title");
  EXPECT_THAT(settings->retriever.remote.search_fields, ElementsAre("body", "title^3"));
  settings = ParseSettings("c.yaml", "retriever: { kind: endpoint, url: 'http://host/search', batch: 8 }");
  ASSERT_TRUE(settings.ok()) << settings.error().ToString();
  EXPECT_EQ(settings->retriever.remote.batch, 8);
}

TEST(RemoteSettingsTest, SaysWhatIsWrongWithARetriever) {
  EXPECT_THAT(Problems("retriever: { kind: opensearch, url: 'http://h' }"), HasSubstr("needs a key `index`"));
  EXPECT_THAT(Problems("retriever: { kind: endpoint }"), HasSubstr("needs a key `url`"));
  EXPECT_THAT(Problems("retriever: { url: 'http://h' }"), HasSubstr("`url` is only for"));
  EXPECT_THAT(Problems("retriever: { kind: endpoint, url: 'http://h', fields: { id: x } }"),
              HasSubstr("`fields` is only for `kind: opensearch`"));
  EXPECT_THAT(Problems("retriever: { kind: opensearch, url: 'http://h', index: i, fields: { titel: x } }"),
              HasSubstr("did you mean `title`?"));
}

}  // namespace
}  // namespace jade::settings
