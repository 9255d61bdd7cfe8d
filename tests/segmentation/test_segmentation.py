"""Segment Anything's masks, compared with the transformers library's own pipeline and with merging by hand, and their rule."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import only, run_snakemake
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import MaskGenerationPipeline, SamConfig, SamImageProcessor, SamModel, SamProcessor

from align.errors import InputError
from align.files import sha256
from align.segmentation.checkpoint import checkpoint_files
from align.segmentation.foreground import foreground
from align.segmentation.segment_anything import automatic_masks, load_segment_anything, segment_domain
from align.segmentation.settings import SegmentAnythingSettings

SIDE = 32  # of the images that the small model sees
CPU = torch.device("cpu")
ANY = {"points_per_side": 4, "points_per_batch": 5, "predicted_iou": 0.3, "stability": 0.5}


def save_model(folder: Path, seed: int) -> Path:
    """Save a small SamModel and its processor. The random weights are so large that its masks differ."""
    attention = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "mlp_dim": 32}
    image = {"image_size": SIDE, "patch_size": 4}
    model = SamModel(
        SamConfig(
            vision_config=attention
            | image
            | {"output_channels": 16, "window_size": 4, "global_attn_indexes": [0], "num_pos_feats": 8},
            prompt_encoder_config=image | {"hidden_size": 16, "mask_input_channels": 4},
            mask_decoder_config=attention | {"iou_head_hidden_dim": 16, "iou_head_depth": 2},
        )
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.4, generator=generator)
        for last in model.mask_decoder.output_hypernetworks_mlps:
            for parameter in last.proj_out.parameters():
                parameter.mul_(30)  # logits beyond ±1, as a trained model's
    model.save_pretrained(folder)
    square = {"height": SIDE, "width": SIDE}
    SamProcessor(SamImageProcessor(size={"longest_edge": SIDE}, pad_size=square)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("segment_anything"), seed=13)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), np.uint8)


def test_the_foreground_is_the_best_score_of_the_masks_that_can_be_objects():
    masks = torch.zeros(4, 5, 5, dtype=torch.bool)
    masks[0, 1:3, 1:4] = True  # 6 of 25 pixels, none of the 16 outermost
    masks[1, 2:4, 2:5] = True  # 6 pixels, 2 outermost
    masks[2, 1:5, 1:5] = True  # 16 pixels: too large
    masks[3, 0] = masks[3, :3, 0] = True  # 7 outermost: a frame
    merged = foreground(masks, torch.tensor([0.9, 1.2, 1.0, 1.0]), largest_area=0.5, largest_border=0.25)
    expected = [
        [0, 0, 0, 0, 0],
        [0, 0.9, 0.9, 0.9, 0],
        [0, 0.9, 1, 1, 1],  # both: the higher score, and no score above 1
        [0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0],
    ]
    assert torch.allclose(merged, torch.tensor(expected))
    everything = foreground(masks, torch.ones(4), largest_area=1, largest_border=1)
    assert torch.equal(everything, masks.any(0).float())


@pytest.mark.parametrize("number", [0, 2])
def test_without_an_object_there_is_no_foreground(number):
    masks = torch.ones(number, 4, 4, dtype=torch.bool)
    assert torch.equal(foreground(masks, torch.ones(number), 0.7, 0.3), torch.zeros(4, 4))


def test_masks_are_those_of_the_library_s_own_pipeline(checkpoint, images):
    model, processor = load_segment_anything(checkpoint, CPU)
    settings = SegmentAnythingSettings(**ANY)
    pipeline = MaskGenerationPipeline(model=model, image_processor=processor)
    # Compared at the size that the model sees, and so without the pipeline's second resampling; no suppression of duplicates.
    image = np.asarray(Image.fromarray(images[0]).resize((SIDE, SIDE)))
    masks, scores = automatic_masks(model, processor, image, settings)
    expected = pipeline(
        Image.fromarray(image),
        points_per_crop=settings.points_per_side,
        points_per_batch=settings.points_per_batch,
        pred_iou_thresh=settings.predicted_iou,
        stability_score_thresh=settings.stability,
        crops_nms_thresh=1.0,
    )
    assert 5 < len(masks) < 3 * settings.points_per_side**2  # some, and not all
    order, expected_order = scores.argsort(), expected["scores"].argsort()
    assert torch.allclose(scores[order], expected["scores"][expected_order])
    expected_masks = torch.stack([torch.as_tensor(mask) for mask in expected["masks"]])
    assert torch.equal(masks.sum(0), expected_masks.sum(0))
    assert torch.allclose(foreground(masks, scores, 1, 1), foreground(expected_masks, expected["scores"], 1, 1))


def test_maps_are_bytes_of_the_images_size_and_unknown_where_nothing_is_found(checkpoint, images, tmp_path):
    model, processor = load_segment_anything(checkpoint, CPU)
    settings = SegmentAnythingSettings(**ANY, largest_area=0.9, largest_border=1)
    assert segment_domain(model, processor, images, settings, tmp_path / "maps.npy") == 0
    maps = np.load(tmp_path / "maps.npy")
    assert (maps.shape, maps.dtype) == (images.shape[:3], np.uint8)
    for image, found in zip(images, maps):
        merged = foreground(*automatic_masks(model, processor, image, settings), 0.9, 1)
        assert np.array_equal(found, np.rint(merged.numpy() * 254))
    assert len(np.unique(maps)) > 2
    segment_domain(model, processor, images, settings, tmp_path / "again.npy")
    assert np.array_equal(np.load(tmp_path / "again.npy"), maps)
    assert segment_domain(model, processor, images, SegmentAnythingSettings(**ANY, largest_area=0), tmp_path / "none.npy") == len(
        images
    )
    assert (np.load(tmp_path / "none.npy") == 255).all()


def no_folder(folder):
    shutil.rmtree(folder)


def other_model(folder):
    (folder / "config.json").write_text('{"model_type": "clip"}')


def pickle_only(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def broken_file(folder):
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])


def without_a_tensor(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["mask_decoder.iou_token.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def other_shape(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["mask_decoder.iou_token.weight"] = torch.zeros(1, 3)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("model.safetensors")


def without_processor(folder):
    (folder / "processor_config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_folder, "found no such folder"),
        (a_file, "found a file"),
        (other_model, "found a model of type 'clip'"),
        (pickle_only, r"found no \*\.safetensors; a pickle"),
        (broken_file, "found no SamModel and SamProcessor that can be read"),
        (without_a_tensor, r"found 1 tensors missing or of another shape \(mask_decoder\.iou_token"),
        (other_shape, r"found 1 tensors missing or of another shape \(mask_decoder\.iou_token"),
        (without_processor, "found no SamModel and SamProcessor that can be read"),
    ],
)
def test_a_folder_that_is_no_checkpoint_is_one_clear_error(checkpoint, tmp_path, damage, message):
    folder = Path(shutil.copytree(checkpoint, tmp_path / "damaged"))
    damage(folder)

    def read():
        checkpoint_files(folder)
        load_segment_anything(folder, CPU)

    with pytest.raises(InputError, match=f"segment_anything.checkpoint: {re.escape(str(folder))}: {message}"):
        read()


def planned(folder, *targets):
    """Return the number of ``segment`` jobs that a dry run in ``folder`` lists."""
    done = run_snakemake(folder, *targets, "--dry-run", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^segment +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_run_with_given_masks_has_them_made_once_for_each_checkpoint(photographs_data, checkpoint, tmp_path):
    folder = Path(shutil.copytree(photographs_data, tmp_path / "workflow", symlinks=True))
    shutil.copytree(checkpoint, folder / "sam")
    content = yaml.safe_load((folder / "my.yaml").read_text())
    content["experiments"]["one"]["methods"] = ["erm", {"align": {"masker": "sam"}}]
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    assert planned(folder) == 0  # without a checkpoint that variant is left out
    content["segment_anything"] = ANY | {"checkpoint": "sam", "largest_area": 0.9, "largest_border": 1}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    assert planned(folder) == 2  # both domains: the other one is tested on

    run = "results/my/runs/photographs/single_source/paris/align-masker=sam/seed0/run.json"
    done = run_snakemake(folder, run, "--configfile", "my.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    path = only(folder, "results/data/photographs/*/*/sam-*/paris.npy")
    maps = np.load(path)
    assert (maps.shape, maps.dtype) == (np.load(path.parents[1] / "paris.npy").shape[:3], np.uint8)
    account = json.loads(path.with_suffix(".json").read_text())
    assert account["checkpoint"]["model.safetensors"] == sha256(folder / "sam/model.safetensors")
    assert account["settings"]["predicted_iou"] == ANY["predicted_iou"]
    assert "transformers" in account["versions"]
    assert account["images"] == len(maps)
    assert account["images_without_mask"] == (maps == 255).all((1, 2)).sum()
    assert json.loads((folder / run).read_text())["hashes"]["data"][str(path.relative_to(folder))] == sha256(path)

    masks = str(path.relative_to(folder))
    assert planned(folder, masks) == 0
    tensors = folder / "sam/model.safetensors"
    shutil.copy(save_model(tmp_path / "other", seed=9) / "model.safetensors", tensors)
    os.utime(tensors, (0, 0))  # older than the masks
    assert planned(folder, masks) == 1
