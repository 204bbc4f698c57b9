# What `cmake --install` puts where, and what find_package(Roost) finds.
#
#   bin/                   roostd, roost, roost-dashboard, roost-export, roost-mcp
#   include/roost/         the public headers, and the one of base/ that they include
#   lib/                   the static libraries behind Roost::client
#   lib/cmake/Roost/       RoostConfig.cmake
#   lib/systemd/system/    roostd.service, roost-export.service
#   share/roost/           prometheus/ with alert rules, grafana/ with a dashboard
#   share/doc/roost/       README.md, ARCHITECTURE.md, LICENSE, docs/, policy.example.toml

foreach(program roostd roost roost-dashboard roost-export roost-mcp)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()

# Users link Roost::client; the others come with it, since static libraries cannot hide what they need.
set(libraries roost_client roost_log roost_ipc roost_base roost_schemas)
set_property(TARGET roost_client PROPERTY EXPORT_NAME client)
set_property(TARGET roost_log PROPERTY EXPORT_NAME log)
set_property(TARGET roost_ipc PROPERTY EXPORT_NAME ipc)
set_property(TARGET roost_base PROPERTY EXPORT_NAME base)
set_property(TARGET roost_schemas PROPERTY EXPORT_NAME schemas)
target_compile_features(roost_client INTERFACE cxx_std_20)  # the headers need it of whoever includes them
install(TARGETS ${libraries} EXPORT RoostTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY client/include/roost DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.h")
# Beside them, so that their `#include "base/status.h"` finds it without another include directory.
install(FILES base/status.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/roost/base COMPONENT development)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Roost)
install(EXPORT RoostTargets NAMESPACE Roost:: DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/RoostConfig.cmake.in ${PROJECT_BINARY_DIR}/RoostConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/RoostConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/RoostConfig.cmake ${PROJECT_BINARY_DIR}/RoostConfigVersion.cmake
        DESTINATION ${package} COMPONENT development)

foreach(unit roostd roost-export)
  configure_file(packaging/${unit}.service.in ${PROJECT_BINARY_DIR}/${unit}.service @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${unit}.service DESTINATION lib/systemd/system COMPONENT programs)
endforeach()
install(DIRECTORY packaging/prometheus packaging/grafana DESTINATION ${CMAKE_INSTALL_DATADIR}/roost COMPONENT programs)
install(FILES packaging/roost.sysusers DESTINATION lib/sysusers.d RENAME roost.conf COMPONENT programs)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
install(FILES packaging/policy.example.toml DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
install(FILES README.md ARCHITECTURE.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs
        FILES_MATCHING PATTERN "*.md" PATTERN "*.png")
