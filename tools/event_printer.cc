#include "tools/event_printer.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "tools/json_text.h"

namespace roost {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr size_t kStreamWidthMax = 40;
constexpr size_t kTypeWidthMax = 28;
constexpr size_t kAgentWidthMax = 24;
constexpr size_t kHexBytesPerLine = 16;

size_t DecimalWidth(uint64_t number) { return fmt::formatted_size("{}", number); }

// "2026-01-31T12:00:00.123Z": people need no nanoseconds.
std::string ShortTime(uint64_t time_ns) {
  std::string text = FormatTime(time_ns);
  const size_t point = text.find('.');
  if (point != std::string::npos && text.size() > point + 4)
    text.replace(point + 4, std::string::npos, "Z");
  return text;
}

// A line break in JSON can only be white space; as a space it stays one line and readable.
std::string WithoutLineBreaks(std::string_view json) {
  std::string text(json);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

}  // namespace

void AddEventFields(const EventView& event, JsonObject* object) {
  object->Number("sequence", event.sequence);
  object->Text("stream", event.stream);
  object->Number("revision", event.revision);
  object->Text("type", event.type);
  object->Text("agent", event.agent);
  object->Number("session", event.session);
  object->Number("uid", event.uid);
  object->Text("time", FormatTime(event.time_ns));
  if (!event.id.empty()) object->Text("id", event.id);
  if (!event.correlation_id.empty()) object->Text("correlation_id", event.correlation_id);
  if (!event.causation_id.empty()) object->Text("causation_id", event.causation_id);
  if (event.content_type != kJson) object->Text("content_type", event.content_type);
}

void AppendEventJson(const EventView& event, std::string* out) {
  JsonObject object(out);
  AddEventFields(event, &object);
  if (!event.data.empty()) {
    if (event.content_type == kJson && CheckJson(event.data).ok()) {
      object.Raw("data", event.data);
    } else {
      object.Name("data_base64");
      *out += '"';
      AppendBase64(event.data, out);
      *out += '"';
    }
  }
  object.End();
}

std::string PrintableData(const EventView& event) {
  if (event.data.empty()) return "";
  if (event.content_type == kJson) {
    const bool valid = CheckJson(event.data).ok();
    return Printable(valid ? WithoutLineBreaks(event.data) : std::string(event.data));
  }
  if (event.content_type.starts_with("text/") && IsUtf8(event.data)) return Printable(event.data);
  return fmt::format("({} bytes of {})", event.data.size(), Printable(event.content_type));
}

void EventPrinter::Print(const Page& page) {
  if (format_ == EventFormat::kHex) {
    for (size_t i = 0; i < page.size() && out_->open(); ++i) PrintHex(page[i], page.record(i));
    return;
  }
  std::vector<EventView> events;
  events.reserve(page.size());
  for (size_t i = 0; i < page.size(); ++i) events.push_back(page[i]);
  Print(events);
}

void EventPrinter::Print(std::span<const EventView> events) {
  ROOST_CHECK(format_ != EventFormat::kHex);
  if (format_ == EventFormat::kJson) {
    for (const EventView& event : events) {
      line_.clear();
      AppendEventJson(event, &line_);
      out_->WriteJson(line_);
    }
    return;
  }
  const auto grow = [](size_t& width, size_t wanted, size_t most) {
    width = std::max(width, std::min(wanted, most));
  };
  for (const EventView& event : events) {
    grow(widths_.sequence, DecimalWidth(event.sequence), 20);
    grow(widths_.stream, DisplayWidth(Printable(event.stream)), kStreamWidthMax);
    grow(widths_.revision, DecimalWidth(event.revision), 20);
    grow(widths_.type, DisplayWidth(Printable(event.type)), kTypeWidthMax);
    grow(widths_.agent, DisplayWidth(Printable(event.agent)), kAgentWidthMax);
  }
  for (const EventView& event : events) {
    if (!out_->open()) return;
    PrintText(event);
  }
}

void EventPrinter::PrintText(const EventView& event) {
  const std::string place =
      fmt::format("{:>{}}  {}  ", event.sequence, widths_.sequence, ShortTime(event.time_ns));
  const std::string stream = PadRight(Printable(event.stream), widths_.stream);
  const std::string revision = fmt::format(" {:>{}}  ", event.revision, widths_.revision);
  const std::string type = PadRight(Printable(event.type), widths_.type);
  const std::string agent = PadRight(Printable(event.agent), widths_.agent);
  std::string rest = PrintableData(event);
  const auto add = [&rest](const char* name, std::string_view value) {
    if (!value.empty())
      rest += fmt::format("{}{}={}", rest.empty() ? "" : "  ", name, Printable(value));
  };
  add("id", event.id);
  add("correlation_id", event.correlation_id);
  add("causation_id", event.causation_id);

  if (const size_t columns = out_->Width(); columns != 0) {
    const size_t used = place.size() + DisplayWidth(stream) + revision.size() + DisplayWidth(type) +
                        DisplayWidth(agent) + 4;
    rest = CutToWidth(rest, columns > used ? columns - used : 0);
  }
  line_ = out_->Paint(Colour::kDim, place) + out_->Paint(Colour::kCyan, stream) +
          out_->Paint(Colour::kDim, revision) + out_->Paint(Colour::kBold, type) + "  ";
  if (rest.empty()) {
    line_ += out_->Paint(Colour::kYellow, Printable(event.agent));
  } else {
    line_ += out_->Paint(Colour::kYellow, agent) + "  " + rest;
  }
  line_ += '\n';
  out_->Write(line_);
}

void EventPrinter::PrintHex(const EventView& event, std::span<const std::byte> record) {
  line_ = fmt::format("{} {} {} {} ({} bytes)\n", event.sequence, Printable(event.stream),
                      event.revision, Printable(event.type), record.size());
  const auto append = std::back_inserter(line_);
  for (size_t at = 0; at < record.size(); at += kHexBytesPerLine) {
    const auto row = record.subspan(at, std::min(kHexBytesPerLine, record.size() - at));
    fmt::format_to(append, "  {:08x} ", at);
    for (size_t i = 0; i < kHexBytesPerLine; ++i) {
      if (i % 8 == 0) line_ += ' ';
      if (i < row.size()) {
        fmt::format_to(append, "{:02x} ", static_cast<uint8_t>(row[i]));
      } else {
        line_ += "   ";
      }
    }
    line_ += " |";
    for (const std::byte byte : row) {
      const char c = static_cast<char>(byte);
      line_ += c >= 0x20 && c < 0x7F ? c : '.';
    }
    line_ += "|\n";
  }
  out_->Write(line_);
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string_view CutToWidth(std::string_view text, size_t width) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((text[at] & 0xC0) != 0x80 && width-- == 0) break;
  }
  return text.substr(0, at);
}

std::string PadRight(std::string_view text, size_t width) {
  const size_t used = DisplayWidth(text);
  return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

}  // namespace roost
