"""What is compiled on the machine with the GPU, by nvcc, side by side."""
import concurrent.futures
import importlib.util
import os
import pathlib
import shutil
import subprocess

SECONDS = 200  # of one command at most


def nvcc():
    """The compiler, or None."""
    home = os.environ.get("CUDA_HOME", "/usr/local/cuda")
    return shutil.which("nvcc") or shutil.which(os.path.join(home, "bin", "nvcc"))


def architecture(target, capability):
    """What nvcc makes code for: the manifest's target where the device is one (sm_90a too), otherwise the device's own."""
    return target if target.rstrip("abcdefghijklmnopqrstuvwxyz") == f"sm_{capability}" else f"sm_{capability}"


def whole_architecture(arch):
    """With what only this device has: wrappers are compared with all of it, whatever the emitted files use."""
    return "sm_90a" if arch == "sm_90" else arch


def cudnn():
    """The folders of cuDNN's header and the path of its library, of PyTorch's wheels first; None: it is not there."""
    roots = [pathlib.Path(os.environ[name]) for name in ("CUDNN_PATH", "CUDNN_HOME") if name in os.environ]
    try:
        wheel = importlib.util.find_spec("nvidia.cudnn")
    except ImportError:
        wheel = None
    roots += [pathlib.Path(place) for place in (wheel.submodule_search_locations if wheel else [])]
    roots += [pathlib.Path(place) for place in ("/usr/local/cuda", "/usr", "/usr/local")]
    for root in roots:
        headers = [path.parent for path in (root / "include" / "cudnn.h", root / "include" / "x86_64-linux-gnu" / "cudnn.h",
                                            root / "include" / "aarch64-linux-gnu" / "cudnn.h") if path.exists()]
        libraries = [path for place in ("lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu")
                     for path in sorted((root / place).glob("libcudnn.so*"))]
        if headers and libraries:
            return headers[0], libraries[0]
    return None


def commands(manifest, cases, here, out, compiler, arch):
    """By name: the file that comes to be, and the words that make it. What is needed first comes first."""
    shared = [compiler, "-O2", "-shared", "-Xcompiler", "-fPIC", f"-arch={arch}", "-I", str(here)]
    made = {"device": (out / "device.so", [*shared, str(here / "device.cu")]),
            "conform": (out / "conform", [compiler, "-O2", f"-arch={whole_architecture(arch)}", "-I", str(here), str(here / "conform.cu"),
                                          str(here / "conform_cpu.c"), str(here / "cudasim" / "tensor.c")])}
    found = cudnn()
    if found:
        header, library = found
        made["cudnn"] = (out / "cudnn.so", [*shared, "-I", str(header), str(here / "cudnn.c"), str(library), "-Xlinker",
                                            f"-rpath={library.parent}"])
    # Training first: these files are the longest.
    for case in sorted(cases, key=lambda case: not case["train"]):
        source = here / "nets" / f"{case['name']}.cu"
        train = ["-DTRAIN"] if case["train"] else []
        made[case["name"]] = (out / f"{case['name']}.so", [*shared, f'-DHEADER="{source.with_suffix(".h")}"', *train,
                                                           str(here / "shim.c"), str(source)])
    return {name: (path, [*words, "-o", str(path)]) for name, (path, words) in made.items()}


def run(words, seconds=SECONDS):
    """None, or what went wrong."""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"took longer than {seconds:.0f} s"
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else done.stdout.strip()[-2000:] or f"status {done.returncode}"


def build(made, said, seconds):
    """Makes everything; by name what failed. said(done, all, name, failure) tells how far it is."""
    failures = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {pool.submit(run, words, min(SECONDS, seconds)): name for name, (_, words) in made.items()}
        for done, future in enumerate(concurrent.futures.as_completed(waiting), 1):
            name, failure = waiting[future], future.result()
            if failure:
                failures[name] = failure
            said(done, len(waiting), name, failure)
    return failures
