# Writes page_files.cc from the page's files: cmake -DFOLDER=... "-DFILES=index.html;main.js" -DOUTPUT=... -P this
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(contents "")
set(table "")
set(count 0)
foreach(file IN LISTS FILES)
  file(READ "${FOLDER}/${file}" hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX MATCH "[a-z]+$" suffix "${file}")
  set(path "/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND contents "constexpr unsigned char kFile${count}[] = {\n${bytes}};\n")
  string(APPEND table "    {\"${path}\", \"${types_${suffix}}\",\n"
                      "     {reinterpret_cast<const char*>(kFile${count}), sizeof(kFile${count})}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed_page.cmake.
#include \"tools/dashboard/page_files.h\"

namespace roost {
namespace {

${contents}
}  // namespace

std::span<const PageFile> PageFiles() {
  static const PageFile kFiles[] = {
${table}  };
  return kFiles;
}

}  // namespace roost
")
