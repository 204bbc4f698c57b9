#include "tools/bench/bench_result.h"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "tools/json_text.h"

namespace roost {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "roost-bench-1";
constexpr size_t kFileBytesMax = 16 << 20;

std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

Status Wrong(std::string_view what) {
  return {StatusCode::kIncompatible,
          fmt::format("this is no result of roost bench --save of this version: {}", what)};
}

// A number above 0 that can be divided by.
bool IsPositive(const json::value* value, double* out) {
  if (value == nullptr || !value->is_number()) return false;
  *out = value->to_number<double>();
  return std::isfinite(*out) && *out > 0;
}

std::string TextOf(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

Result<WorkloadResult> ParseWorkload(const json::value& value) {
  if (!value.is_object()) return Wrong("a workload is no object");
  const json::object& object = value.as_object();
  WorkloadResult workload;
  workload.name = TextOf(object, "name");
  workload.yardstick = TextOf(object, "yardstick");
  if (workload.name.empty() || workload.yardstick.empty()) return Wrong("a workload has no name");
  if (!IsPositive(object.if_contains("ns"), &workload.ns) ||
      !IsPositive(object.if_contains("yardstick_ns"), &workload.yardstick_ns)) {
    return Wrong("a workload has no times");
  }
  const json::value* ratios = object.if_contains("ratios");
  if (ratios == nullptr || !ratios->is_array()) return Wrong("a workload has no ratios");
  for (const json::value& ratio : ratios->as_array()) {
    if (!IsPositive(&ratio, &workload.ratios.emplace_back())) return Wrong("a ratio is no number");
  }
  if (workload.ratios.size() < kRoundsMin || workload.ratios.size() > kRoundsMax) {
    return Wrong(fmt::format("{} rounds", workload.ratios.size()));
  }
  return workload;
}

}  // namespace

BenchResult DescribeThisMachine() {
  BenchResult result;
  result.version = ROOST_VERSION;
  result.time = FormatTime(WallNs());
  result.processor = ProcessorName();
  result.processors = static_cast<uint64_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  utsname name = {};
  if (::uname(&name) == 0) result.kernel = fmt::format("{} {}", name.sysname, name.release);
  double load = 0;
  if (::getloadavg(&load, 1) == 1) result.load = load;
  return result;
}

std::string BenchJson(const BenchResult& result) {
  std::string text;
  JsonObject object(&text);
  object.Text("format", kFormat);
  object.Text("version", result.version);
  object.Text("time", result.time);
  object.Text("processor", result.processor);
  object.Number("processors", result.processors);
  object.Text("kernel", result.kernel);
  object.Raw("load", fmt::format("{:.2f}", result.load));
  object.Name("workloads");
  text += '[';
  for (size_t i = 0; i < result.workloads.size(); ++i) {
    const WorkloadResult& one = result.workloads[i];
    if (i != 0) text += ',';
    JsonObject workload(&text);
    workload.Text("name", one.name);
    workload.Text("yardstick", one.yardstick);
    workload.Raw("ns", fmt::format("{:.6g}", one.ns));
    workload.Raw("yardstick_ns", fmt::format("{:.6g}", one.yardstick_ns));
    workload.Name("ratios");
    text += '[';
    for (size_t k = 0; k < one.ratios.size(); ++k) {
      text += fmt::format("{}{:.6g}", k == 0 ? "" : ",", one.ratios[k]);
    }
    text += ']';
    workload.End();
  }
  text += ']';
  object.End();
  return text;
}

Result<BenchResult> ParseBench(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return Wrong("it is no JSON object");
  const json::object& object = value.as_object();
  if (TextOf(object, "format") != kFormat) return Wrong("its format is another one");
  BenchResult result;
  result.version = TextOf(object, "version");
  result.time = TextOf(object, "time");
  result.processor = TextOf(object, "processor");
  result.kernel = TextOf(object, "kernel");
  double number = 0;
  if (IsPositive(object.if_contains("processors"), &number) && number < 1e6) {
    result.processors = static_cast<uint64_t>(number);
  }
  if (IsPositive(object.if_contains("load"), &number)) result.load = number;
  const json::value* workloads = object.if_contains("workloads");
  if (workloads == nullptr || !workloads->is_array()) return Wrong("it has no workloads");
  for (const json::value& one : workloads->as_array()) {
    auto workload = ParseWorkload(one);
    if (!workload.ok()) return workload.status();
    result.workloads.push_back(*std::move(workload));
  }
  return result;
}

Status SaveBench(const BenchResult& result, const std::string& path) {
  std::ofstream file(path);
  file << BenchJson(result) << '\n';
  file.close();
  return file.fail() ? Status::FromErrno(errno, "write " + path) : Status();
}

Result<BenchResult> LoadBench(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status::FromErrno(errno, "open " + path);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) return Wrong("it is larger than 16 MiB");
  auto result = ParseBench(text);
  if (!result.ok()) return Status(result.status().code(), path + ": " + result.status().message());
  return result;
}

}  // namespace roost
