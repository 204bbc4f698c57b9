// What Boost.JSON's headers leave to a library, compiled once: everybody else includes <boost/json.hpp>.
// Little of it is used, hence a section for each function (CMakeLists.txt), so that linkers leave out the rest.
#include <boost/json/src.hpp>
