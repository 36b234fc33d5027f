#!/usr/bin/env bash
# A reference run on GPU nodes without a network, in slots: each call goes on where the last one stopped, also on another
# machine of the same kind.
#
#     scripts/gpu_reference.sh BUNDLE [SECONDS]          one slot
#     scripts/gpu_reference.sh --dry-run [SECONDS]       what slots of so many seconds would do; starts nothing
#
# BUNDLE is a folder that `harness bundle` made; SECONDS (840) is the length of the slot. It says what the slot can do,
# installs the bundle, audits, runs whole rounds, begins none that would not end, packs the results into $OUT (./out) as
# cells end, and prints a short table last. To go on, leave $OUT/NAME.tar.gz where it is, or unpack it in the checkout.
# Exit status 0: the run is complete; 75: call it again; 1: complete, and some cell is not ok; 2: a mistake, nothing is lost;
# 70: it failed.
#
# PROFILE (gpu-80gb), METHODS (all), TRACK (parity), REPEATS (5), FRAMEWORKS (all), NAME (reference-<card>, and -tuned for
# TRACK=tuned), START (ahead; warm with PROFILE=cpu), AA (--aa for an A/A pair; none), EXTRA (more options of `harness run`)
# change what is run; INTERPRETER (python3) is the node's Python. TRACK=tuned and all have the ceiling too.
# With PROFILE=cpu it runs anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
profile=${PROFILE:-gpu-80gb}
track=${TRACK:-parity}
interpreter=$(command -v "${INTERPRETER:-python3}")
asked=(--profile "$profile" --methods "${METHODS:-all}" --frameworks "${FRAMEWORKS:-all}" --track "$track" --repeats "${REPEATS:-5}")
[ "$track" = parity ] || asked+=(--ceiling)
[ -z "${AA:-}" ] || asked+=(--aa)
if [ "${1:-}" = --dry-run ]; then
    exec env PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" "$interpreter" scripts/slot_plan.py --seconds "${2:-840}" \
        --output "results/${NAME:-not-begun}" "${asked[@]}"
fi
bundle=$(realpath "${1:?the folder of a bundle, or --dry-run}")
[ -f "$bundle/manifest.json" ] || { echo "error: $bundle holds no manifest.json; a bundle is made by: harness bundle" >&2; exit 2; }
seconds=${2:-840}
out=${OUT:-$PWD/out}
work=${WORK:-$(mktemp -d)}
export HF_HUB_OFFLINE=1 PIP_NO_INDEX=1 HARNESS_CACHE=${HARNESS_CACHE:-$work/cache}
left() { echo $((seconds - (SECONDS - began))); }

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
export PYTHONPATH=$work/own:$PWD
harness=("$interpreter" -m harness)

card=$("$interpreter" -c '
from harness.machine.gpu import first_gpu
gpu = first_gpu()
words = [] if gpu is None else [word.lower() for word in gpu.name.split() if any(digit in word for digit in "0123456789")]
print(words[0] if words else "cpu")')
suffix=
[ "$track" != tuned ] || suffix=-tuned
name=${NAME:-reference-$card$suffix}
# A committed reference on a CPU is nobody's to go on with by accident.
[ "$name" != reference-cpu ] || name=node-cpu
mkdir -p "$out" results reports build
if [ ! -e "results/$name/run.json" ] && [ -f "$out/$name.tar.gz" ]; then
    tar -xzf "$out/$name.tar.gz"
fi
"$interpreter" scripts/slot_plan.py --seconds "$(left)" --output "results/$name" --slots 1 "${asked[@]}" ${PLAN:-}

"${harness[@]}" setup --offline --bundle "$bundle" --interpreter "$interpreter" --frameworks "${FRAMEWORKS:-all}" || {
    echo "error: not every framework could be set up, and a slot without it would be lost; FRAMEWORKS=... leaves one out" >&2
    exit 70
}
[ -e "results/$name/run.json" ] || "${harness[@]}" doctor || true

# Under a name that is nobody's folder: results keep what was typed.
ln -sfn "$bundle/inputs/blocks.parquet" build/blocks.parquet
start=${START:-ahead}
[ "$profile" != cpu ] || start=${START:-warm}
resume=()
[ ! -e "results/$name/run.json" ] || resume=(--resume)

pack() {
    [ -e "results/$name/run.json" ] || return 0
    local files=("results/$name")
    [ ! -f "reports/$name.md" ] || files+=("reports/$name.md")
    [ ! -d "reports/$name" ] || files+=("reports/$name")
    # A cell that is being written has a name with a dot; it is not there yet.
    # tar says 1 where a file changed meanwhile: run.json, which is replaced as a whole.
    tar -czf "$out/.$name.$BASHPID" --exclude='cells/.*' "${files[@]}" 2>/dev/null || [ $? -eq 1 ] || return 1
    mv "$out/.$name.$BASHPID" "$out/$name.tar.gz"
}
# A machine that is lost loses the cell that runs, and what ended in the last seconds.
(
    packed=
    while sleep 10; do
        now=$(find "results/$name" -name cell.json -o -path '*/audits/*' 2>/dev/null | wc -l || true)
        [ "$now" = "$packed" ] || { pack || true; packed=$now; }
    done
) &
packer=$!
trap 'kill $packer 2>/dev/null || true' EXIT

# Ten seconds for the report; a run that overlooks its own limit is interrupted, which loses the cell that runs.
within=$(($(left) - 10))
status=0
# shellcheck disable=SC2086
timeout --foreground --signal=TERM --kill-after=5 "$((within > 5 ? within + 5 : 5))" "${harness[@]}" run "${asked[@]}" \
    --dataset build/blocks.parquet --start "$start" --output "results/$name" --within "$((within > 0 ? within : 0))" \
    "${resume[@]}" ${EXTRA:-} || status=$?
if [ "$status" -eq 2 ]; then  # A mistake in what was asked, or a full disk.
    kill $packer 2>/dev/null || true
    pack || true
    exit 2
fi
# A run that fails for another reason has status 1 too.
[ "$status" -ne 1 ] || grep -q '"status": "complete"' "results/$name/run.json" 2>/dev/null || status=70
case $status in
    0) echo "the run is complete" ;;
    1) echo "the run is complete; not all cells are ok and the same job" ;;
    70) echo "the run failed; what it said stands above" ;;
    *) echo "its time was over (status $status); call this again to go on" ;;
esac
[ "$status" -le 1 ] || [ "$status" -eq 70 ] || status=75
kill $packer 2>/dev/null || true
wait $packer 2>/dev/null || true

"${harness[@]}" report "results/$name" >/dev/null || true
pack
"$interpreter" - "results/$name" <<'PYTHON' || true
import sys
import harness
frame = harness.load_results(sys.argv[1])
if not len(frame):
    sys.exit("no cell has ended")
frame = frame[~frame.twin.astype(bool)]
figures = ["tokens_per_second", "peak_memory_bytes", "gpu_busy_share", "model_flops_utilization"]
print(frame.groupby(["track", "method", "framework", "outcome", "same_job"])[figures].median().assign(
    n=frame.groupby(["track", "method", "framework", "outcome", "same_job"]).size()).to_string(float_format="%.4g"))
for _, cell in frame[frame["outcome"] != "ok"].iterrows():
    print(cell["cell"], cell["outcome"], str(cell["reason"])[:300])
PYTHON
exit "$status"
