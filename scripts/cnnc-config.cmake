# For programs built with CMake: find_package(cnnc), then
#   cnnc_add_network(lenet5 models/lenet5.json OPTIONS --batch 8 --weights lenet5.safetensors)
# makes the static library `lenet5` from the emitted C and hands its header to whoever links it. It is built anew when
# the network or any file that cnnc read for it has changed. Relative paths in OPTIONS count from the current source folder.
set(CNNC_EXECUTABLE ${CMAKE_CURRENT_LIST_DIR}/../../../bin/cnnc)

function(cnnc_add_network target network)
  cmake_parse_arguments(NETWORK "" "" OPTIONS ${ARGN})
  get_filename_component(network ${network} ABSOLUTE)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/cnnc-${target})
  file(MAKE_DIRECTORY ${folder})
  set(options "")
  set(previous "")
  foreach(word ${NETWORK_OPTIONS}) # files that cnnc reads, by paths that mean the same everywhere
    if(previous MATCHES "^--(weights|plan)$")
      get_filename_component(word ${word} ABSOLUTE)
    elseif(word MATCHES "^(--weights|--plan)=(.*)$")
      get_filename_component(file ${CMAKE_MATCH_2} ABSOLUTE)
      set(word ${CMAKE_MATCH_1}=${file})
    endif()
    list(APPEND options ${word})
    set(previous ${word})
  endforeach()
  set(emitted ${folder}/${target}.c ${folder}/${target}.h)
  set(sources ${folder}/${target}.c)
  if("${options}" MATCHES "--weights-as[;=]object")
    set(weights ${folder}/${target}_weights)
    list(APPEND emitted ${weights}.S)
    list(APPEND sources ${weights}.o)
    add_custom_command(OUTPUT ${weights}.o COMMAND ${CMAKE_C_COMPILER} -I ${folder} -c ${weights}.S -o ${weights}.o
      DEPENDS ${weights}.S VERBATIM)
  endif()
  add_custom_command(OUTPUT ${emitted}
    COMMAND ${CNNC_EXECUTABLE} ${network} -o ${folder}/${target}.c -MF ${folder}/${target}.d ${options}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DEPFILE ${folder}/${target}.d
    DEPENDS ${network} ${CNNC_EXECUTABLE} COMMENT "cnnc ${target}" VERBATIM)
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${folder})
  target_link_libraries(${target} PUBLIC m)
  find_package(OpenMP COMPONENTS C QUIET)
  if(OpenMP_C_FOUND)
    target_link_libraries(${target} PRIVATE OpenMP::OpenMP_C)
  endif()
endfunction()
