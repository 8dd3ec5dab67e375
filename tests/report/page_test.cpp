// The page as a file: whatever is in the trace, it stays data.
#include "made.hpp"
#include "report/page.hpp"
#include "text.hpp"

#include <fstream>
#include <iterator>

namespace {

using rapidjson::Value;

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const Program hostile = {.main = [](Recording& r) { r.allocate(1); },
                         .path = "/nowhere/<!--<script>\"quoted'\\\xff\xc3\x01&amp;",
                         .arguments = {"</script><script>alert(1)</script>", "</SCRIPT >", "-->]]>",
                                       "\xf0\x9f\x98", "a\nb", "",
                                       std::string(299, 'x') + "\xc3\xa9"}};

TEST(ReportPage, HasTheDataBetweenItsTwoParts) {
  const Made made([](Recording& r) { r.free(r.allocate(24)); });
  const TemporaryFile file;
  report::write_report(file.path(), made.inputs, made.advice, {});
  const std::string html = content(file.path());
  const report::Page page = report::page();
  EXPECT_TRUE(html.starts_with(page.before));
  EXPECT_TRUE(html.ends_with(page.after));
  rapidjson::Document data;
  data.Parse(html.c_str() + page.before.size(),
             html.size() - page.before.size() - page.after.size());
  ASSERT_FALSE(data.HasParseError());
  EXPECT_EQ(data["program"]["calls"].GetUint64(), 1u);
}

TEST(ReportPage, ItsPartsAreHtmlWithoutTheMarker) {
  const report::Page page = report::page();
  EXPECT_TRUE(page.before.starts_with("<!doctype html>"));
  EXPECT_NE(page.before.find("<script type=\"application/json\""), page.before.npos);
  EXPECT_NE(page.after.find("</script>"), page.after.npos);
  EXPECT_NE(page.after.find("</html>"), page.after.npos);
  EXPECT_EQ(page.before.find("<!--DATA-->"), page.before.npos);
  EXPECT_EQ(page.after.find("<!--DATA-->"), page.after.npos);
}

TEST(ReportPage, NothingInTheDataEndsItsScript) {
  const Made made(hostile);
  EXPECT_EQ(made.text.find("</"), made.text.npos);
  EXPECT_EQ(made.text.find("<!"), made.text.npos);
  EXPECT_EQ(text_of(made["program"]["arguments"][0]), hostile.arguments[0]);
  EXPECT_EQ(text_of(made["program"]["arguments"][1]), hostile.arguments[1]);
}

TEST(ReportPage, WhatIsNoUtf8IsReplaced) {
  const Made made(hostile);
  EXPECT_EQ(first_byte_not_utf8(made.text), std::nullopt);
  const Value& program = made["program"];
  EXPECT_EQ(text_of(program["path"]), "/nowhere/<!--<script>\"quoted'\\???&amp;");
  EXPECT_EQ(text_of(program["arguments"][3]), "???");
  EXPECT_EQ(text_of(program["arguments"][4]), "a?b");
  EXPECT_EQ(text_of(program["arguments"][5]), "");
}

TEST(ReportPage, LongTextsAreCutBetweenCharacters) {
  const Made made(hostile);
  EXPECT_EQ(text_of(made["program"]["arguments"][6]), std::string(297, 'x') + "...");
  std::string umlauts;
  for (int i = 0; i < 200; ++i)
    umlauts += "\xc3\xa4";
  const Made path({.main = [](Recording& r) { r.allocate(1); }, .path = "/" + umlauts});
  const std::string shown = text_of(path["program"]["path"]);
  EXPECT_TRUE(shown.starts_with("...\xc3\xa4"));
  EXPECT_TRUE(shown.ends_with("\xc3\xa4"));
  EXPECT_LE(shown.size(), 300u);
}

TEST(ReportPage, IsNotThereWhereTheTrialIsNone) {
  const Made made([](Recording& r) { r.allocate(24); });
  const std::string path = TemporaryFile().path(); // of a file that is gone
  EXPECT_THROW(report::write_report(path, made.inputs, made.advice, "{}"), report::TrialError);
  EXPECT_FALSE(std::ifstream(path).is_open());
}

TEST(ReportPage, WhereItCannotBeWrittenItSaysWhere) {
  const Made made([](Recording& r) { r.allocate(24); });
  try {
    report::write_report("/nowhere/report.html", made.inputs, made.advice, {});
    ADD_FAILURE() << "written";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/report.html"), std::string::npos);
  }
  EXPECT_THROW(report::write_report("/dev/full", made.inputs, made.advice, {}), std::system_error);
}

} // namespace
