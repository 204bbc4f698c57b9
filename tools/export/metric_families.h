// Puts together what prometheus-cpp serializes: samples of one family under one name, help and type. One thread.
#ifndef ROOST_TOOLS_EXPORT_METRIC_FAMILIES_H_
#define ROOST_TOOLS_EXPORT_METRIC_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace roost {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

class MetricFamilies {
 public:
  // All samples that follow are of this family.
  void Begin(const char* name, prometheus::MetricType type, const char* help) {
    families_.push_back({name, help, type, {}});
  }

  void Value(double value, MetricLabels labels = {}) {
    prometheus::ClientMetric& metric = Add(std::move(labels));
    if (families_.back().type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }
  void Histogram(prometheus::ClientMetric::Histogram histogram, MetricLabels labels = {}) {
    Add(std::move(labels)).histogram = std::move(histogram);
  }
  void Summary(prometheus::ClientMetric::Summary summary, MetricLabels labels = {}) {
    Add(std::move(labels)).summary = std::move(summary);
  }

  // Families without samples are left out.
  std::vector<prometheus::MetricFamily> Take() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  prometheus::ClientMetric& Add(MetricLabels labels) {
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_METRIC_FAMILIES_H_
