# SPDX-License-Identifier: Apache-2.0
# The command goes to bin; the rank program, which nobody types, to libexec.
include(GNUInstallDirs)
if(TARGET r1ctl)
    install(TARGETS r1ctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET r1ctl-rank)
    install(TARGETS r1ctl-rank RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/r1ctl)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/recipes/ DESTINATION ${CMAKE_INSTALL_DATADIR}/r1ctl/recipes
    FILES_MATCHING PATTERN "*.yaml")
