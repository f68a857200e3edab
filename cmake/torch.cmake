# A libtorch with CUDA on a machine without the CUDA toolkit (pip's torch): its own package file
# refuses, though only sources in CUDA need the toolkit. Finds that libtorch by its libraries and
# sets what the package file would: Torch_FOUND, Torch_VERSION, TORCH_INCLUDE_DIRS, TORCH_LIBRARIES.
# Leaves any other libtorch to find_package(Torch).
find_path(TORCH_CONFIG_DIR TorchConfig.cmake
          HINTS ${Torch_DIR} PATH_SUFFIXES Torch share/cmake/Torch lib/cmake/Torch NO_CACHE)
if(TORCH_CONFIG_DIR)
  get_filename_component(torch_prefix ${TORCH_CONFIG_DIR}/../../.. ABSOLUTE)
  find_program(torch_nvcc nvcc HINTS $ENV{CUDA_HOME}/bin /usr/local/cuda/bin NO_CACHE)
  if(EXISTS ${torch_prefix}/lib/libtorch_cuda.so AND NOT torch_nvcc)
    include(${TORCH_CONFIG_DIR}/TorchConfigVersion.cmake)
    set(Torch_FOUND TRUE)
    set(Torch_VERSION ${PACKAGE_VERSION})
    set(TORCH_INCLUDE_DIRS ${torch_prefix}/include ${torch_prefix}/include/torch/csrc/api/include)
    # Its CUDA registers itself when it is loaded; nothing names a symbol of it.
    set(torch_cuda ${torch_prefix}/lib/libtorch_cuda.so)
    set(TORCH_LIBRARIES ${torch_prefix}/lib/libtorch.so ${torch_prefix}/lib/libtorch_cpu.so
        "-Wl,--push-state,--no-as-needed,${torch_cuda},--pop-state" ${torch_prefix}/lib/libc10.so)
    # A process has one OpenMP: the one that libtorch brings.
    if(EXISTS ${torch_prefix}/lib/libgomp.so.1)
      set(OpenMP_gomp_LIBRARY ${torch_prefix}/lib/libgomp.so.1 CACHE FILEPATH "")
    endif()
  endif()
endif()
