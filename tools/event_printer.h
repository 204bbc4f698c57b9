// Shows events: to people, in aligned columns without a raw control, escape or bidi character whatever an
// agent wrote; to programs, as JSON, one object a line; or as the bytes of their records, header and body as
// log/record_format.h draws them. One thread.
#ifndef ROOST_TOOLS_EVENT_PRINTER_H_
#define ROOST_TOOLS_EVENT_PRINTER_H_

#include <span>
#include <string>
#include <vector>

#include "roost/event.h"
#include "roost/read.h"
#include "tools/json_text.h"
#include "tools/output.h"

namespace roost {

enum class EventFormat { kText, kJson, kHex };

// All that an event has but its data, as fields of a JSON object.
void AddEventFields(const EventView& event, JsonObject* object);

// Appends the event as one JSON object without a line break. Its data stands there byte for byte (as
// `data`) when it is JSON, else as `data_base64`; without data there is neither.
void AppendEventJson(const EventView& event, std::string* out);

// The event's data for people, in one line: JSON as it is, other text, or "(12 bytes of image/png)".
std::string PrintableData(const EventView& event);

class EventPrinter {
 public:
  // `out` outlives the printer.
  EventPrinter(Output* out, EventFormat format) : out_(out), format_(format) {}

  void Print(const Page& page);
  // In this order. REQUIRES: another format than kHex, which needs the records.
  void Print(std::span<const EventView> events);

 private:
  // Columns grow with what was seen, up to a limit, and never shrink, so that pages line up.
  struct Widths {
    size_t sequence = 4;
    size_t stream = 8;
    size_t revision = 2;
    size_t type = 8;
    size_t agent = 6;
  };

  void PrintText(const EventView& event);
  void PrintHex(const EventView& event, std::span<const std::byte> record);

  Output* out_;
  EventFormat format_;
  Widths widths_;
  std::string line_;
};

// How many columns `text` takes, about: its code points.
size_t DisplayWidth(std::string_view text);
// The first `width` code points of it.
std::string_view CutToWidth(std::string_view text, size_t width);
// `text` with spaces up to `width` behind it.
std::string PadRight(std::string_view text, size_t width);

}  // namespace roost

#endif  // ROOST_TOOLS_EVENT_PRINTER_H_
