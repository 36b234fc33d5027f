#!/usr/bin/env bash
# The reference run on a GPU node without a network, in pieces: each call goes on where the last one stopped.
#
#     scripts/gpu_reference.sh BUNDLE [SECONDS]
#
# BUNDLE is a folder that `harness bundle` made; SECONDS (540) is when this call stops starting cells. It installs the
# bundle, runs what is missing of the reference run, prints a short table last and packs the results, without weights,
# into $OUT (./out). To go on, unpack that archive in the checkout and call it again.
#
# PROFILE (gpu), START (ahead; warm with PROFILE=cpu), METHODS (all), TRACK (all), REPEATS (5), FRAMEWORKS (all), NAME
# (reference-<profile>), AA (--aa; empty for none) and EXTRA (more options of `harness run`) change what is run; INTERPRETER
# (python3) is the node's Python. When the run is complete, the longest sequences within BUDGETS (16GB,80GB; empty for none)
# are searched for, for QLoRA with rank 32. With PROFILE=cpu it runs anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
bundle=$(realpath "${1:?the folder of a bundle}")
seconds=${2:-540}
began=$SECONDS
interpreter=$(command -v "${INTERPRETER:-python3}")
profile=${PROFILE:-gpu}
name=${NAME:-reference-$profile}
out=${OUT:-$PWD/out}
work=${WORK:-$(mktemp -d)}
export HF_HUB_OFFLINE=1 PIP_NO_INDEX=1 HARNESS_CACHE=${HARNESS_CACHE:-$work/cache}

# The harness's own few needs, beside the node's packages.
if [ ! -d "$work/own" ]; then
    "$interpreter" - "$bundle" "$work/own.part" <<'PYTHON'
import json, pathlib, subprocess, sys
bundle, own = pathlib.Path(sys.argv[1]), sys.argv[2]
wheels = json.loads((bundle / "manifest.json").read_text())["overlays"]["harness"]["wheels"]
pathlib.Path(own).mkdir(parents=True, exist_ok=True)
if wheels:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", own]
    subprocess.run([*command, *(str(bundle / "wheels" / wheel) for wheel in wheels)], check=True)
PYTHON
    mv "$work/own.part" "$work/own"
fi
export PYTHONPATH=$work/own
harness=("$interpreter" -m harness)

"${harness[@]}" setup --offline --bundle "$bundle" --interpreter "$interpreter" --frameworks "${FRAMEWORKS:-all}" || true
"${harness[@]}" doctor || true

# Under a name that is nobody's folder: results keep what was typed.
mkdir -p build
ln -sfn "$bundle/inputs/blocks.parquet" build/blocks.parquet
dataset=build/blocks.parquet
start=${START:-ahead}
[ "$profile" != cpu ] || start=${START:-warm}

resume=()
[ -e "results/$name/run.json" ] && resume=(--resume)
left=$((seconds - (SECONDS - began)))
# An interrupt loses only the cell that is running; everything before it is on disk.
ceiling=()
[ "${TRACK:-all}" = parity ] || ceiling=(--ceiling)
# shellcheck disable=SC2086
timeout --signal=INT --kill-after=30 "$left" "${harness[@]}" run --frameworks "${FRAMEWORKS:-all}" --profile "$profile" \
    --methods "${METHODS:-all}" --track "${TRACK:-all}" --repeats "${REPEATS:-5}" ${AA---aa} --dataset "$dataset" --start "$start" \
    --output "results/$name" "${ceiling[@]}" "${resume[@]}" ${EXTRA:-} || status=$?
[ "${status:-0}" -ne 2 ] || exit 2  # A mistake in what was asked: there is nothing to pack.
[ "${status:-0}" -eq 0 ] || echo "run ended with status $status (1: not all cells are ok; 124, 130: its time was over)"

# Longer than the model was made for, so its weights are random: memory does not depend on them.
budgets=${BUDGETS-16GB,80GB}
left=$((seconds - (SECONDS - began)))
if [ -n "$budgets" ] && [ "$left" -gt 30 ] && grep -q '"status": "complete"' "results/$name/run.json"; then
    timeout --signal=INT --kill-after=30 "$left" "${harness[@]}" probe --max-context --budget "$budgets" --method qlora \
        --frameworks "${FRAMEWORKS:-all}" --profile "$profile" --output "results/$name" --dataset "$dataset" \
        --set model=random --set lora_rank=32 --set gradient_checkpointing=true --set shape.max_position_embeddings=1048576 \
        ${CONTEXT_EXTRA:-} || echo "search ended with status $? (124, 130: its time was over)"
fi

"${harness[@]}" report "results/$name" || true
mkdir -p "$out"
tar -czf "$out/$name.tar.gz" "results/$name" "reports/$name.md"
"$interpreter" - "results/$name" <<'PYTHON'
import sys
import harness
frame = harness.load_results(sys.argv[1])
if not len(frame):
    sys.exit("no cell has ended")
frame = frame[~frame.twin]
figures = ["tokens_per_second", "peak_memory_bytes", "model_flops_utilization", "energy_joules_per_1000_tokens"]
print(frame.groupby(["track", "method", "framework", "outcome", "same_job"])[figures].median().assign(
    n=frame.groupby(["track", "method", "framework", "outcome", "same_job"]).size()).to_string(float_format="%.4g"))
for _, cell in frame[frame["outcome"] != "ok"].iterrows():
    print(cell["cell"], cell["outcome"], str(cell["reason"])[:300])
PYTHON
