"""A small input for every network of models/: odd and unequal extents where it takes any. QUICK marks a representative third,
HEAVY what takes minutes at its own size, and is run at the small one alone; LOGITS what is compared in front of its softmax,
which turns absolute errors of large logits into relative ones."""
import json
import pathlib

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
QUICK, HEAVY, LOGITS = "quick", "heavy", "logits"
NETS = {
    "alexnet": ("3x67x79",),
    "alexnet_2012": ("3x99x67", QUICK),
    "alexnet_2012_nogroups": ("3x99x67",),
    "all_cnn_c": ("3x32x32",),
    "all_cnn_c_valid": ("3x32x32",),
    "alphago_policy": ("48x11x13", QUICK, LOGITS),
    "alphago_value": ("49x19x19",),
    "blob": ("1x37x51",),
    "c3d": ("3x16x36x44",),
    "cifar10_full": ("3x32x32",),
    "cifar10_local": ("3x24x24", QUICK),
    "cifar10_quick": ("3x32x32",),
    "ciresan_cifar10": ("3x32x32",),
    "ciresan_gtsrb": ("3x48x48",),
    "ciresan_mnist": ("1x29x29",),
    "dqn_2013": ("4x84x84",),
    "dqn_2015": ("4x84x84", QUICK),
    "edge": ("1x37x51", QUICK),
    "fcn_series": ("12x29", QUICK),
    "googlenet": ("3x67x53",),
    "googlenet_caffe": ("3x224x224",),
    "grayscale": ("3x37x51",),
    "karpathy_single_frame": ("3x83x77",),
    "karpathy_slow_fusion": ("3x10x59x65", QUICK),
    "keyword_spectrogram": ("1x32x40", QUICK),
    "lenet5": ("1x28x28", QUICK),
    "lenet5_1998": ("1x32x32", QUICK),
    "lenet5_1998_modern": ("1x32x32",),
    "lenet_1989": ("1x16x16", QUICK),
    "lenet_caffe": ("1x28x28",),
    "m5_waveform": ("1x8000", QUICK),
    "maxout_mnist": ("1x28x28", QUICK),
    "mnist_cntk": ("1x28x28",),
    "mobilenet_v1": ("3x61x45", QUICK),
    "overfeat_fast": ("3x231x231",),
    "recurrent_labels": ("3x31x26", QUICK),
    "resnet101": ("3x41x35",),
    "resnet101_v1": ("3x41x35",),
    "resnet110_cifar": ("3x32x32",),
    "resnet152": ("3x41x35",),
    "resnet152_v1": ("3x41x35",),
    "resnet18": ("3x61x45", QUICK),
    "resnet20_cifar": ("3x32x32", QUICK),
    "resnet32_cifar": ("3x32x32",),
    "resnet34": ("3x61x45",),
    "resnet34_a": ("3x61x45",),
    "resnet34_c": ("3x61x45",),
    "resnet44_cifar": ("3x32x32",),
    "resnet50": ("3x61x45", QUICK),
    "resnet50_v1": ("3x61x45",),
    "resnet56_cifar": ("3x32x32",),
    "simard_2003": ("1x29x29",),
    "simple_convnet": ("3x32x32", QUICK),
    "sobel": ("1x37x51", QUICK),
    "spp_net": ("3x99x131", QUICK),
    "squeezenet1_0": ("3x61x45",),
    "squeezenet1_1": ("3x61x45", QUICK),
    "stacked_convnet": ("3x32x32",),
    "tiled_cifar10": ("3x32x32", QUICK),
    "unet": ("1x188x188", HEAVY),
    "vgg_a": ("3x35x41",),
    "vgg_a_lrn": ("3x35x41", QUICK),
    "vgg_b": ("3x35x41",),
    "vgg_c": ("3x35x41",),
    "vgg_d": ("3x35x41",),
    "vgg_d_dense": ("3x224x256",),
    "vgg_e": ("3x35x41",),
    "voxnet": ("1x32x32x32", QUICK),
}


def write_network(path, net):
    """The network with He's initialiser: with the default the signal fades, and the last bias alone decides."""
    document = json.loads((MODELS / f"{net}.json").read_text())
    for layer in document["layers"]:
        layer.setdefault("init", "he")
    path.write_text(json.dumps(document))


def write_trainable(path, net):
    """The network with a loss and an optimiser, if it has none."""
    document = json.loads((MODELS / f"{net}.json").read_text())
    if "losses" not in document:
        document.setdefault("loss", {"op": "mse"})
    document.setdefault("optimizer", {"op": "sgd"})
    path.write_text(json.dumps(document))
