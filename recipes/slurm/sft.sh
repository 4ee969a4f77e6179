#!/bin/bash
# Several nodes of eight GPUs under Slurm: sbatch --nodes 4 recipes/slurm/sft.sh recipes/configs/cw_10k.yaml
# nodes × 8 GPUs × 1 row × accumulation = 32 documents per step; a second row would be padding. Not run here: no such cluster.
#SBATCH --job-name=coig-writer-sft
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --output=build/slurm-%j.log
set -euo pipefail

config=${1:?usage: sbatch recipes/slurm/sft.sh CONFIG [flags]}
shift
gpus=$((SLURM_NNODES * 8))
accumulation=$((32 / gpus))
if [ $((accumulation * gpus)) -ne 32 ]; then
  echo "32 documents do not divide over $gpus GPUs: ask for 1, 2 or 4 nodes" >&2
  exit 1
fi
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=8

# SLURM_NODEID differs per node, so each task reads it in a shell of its own
srun bash -c 'exec .venv/bin/accelerate launch --config_file recipes/accelerate/fsdp2.yaml \
  --num_machines "$SLURM_NNODES" --num_processes "$1" --machine_rank "$SLURM_NODEID" \
  --main_process_ip "$2" --main_process_port 29500 \
  recipes/sft.py --config "$3" --per_device_train_batch_size 1 --gradient_accumulation_steps "$4" "${@:5}"' \
  launch "$gpus" "$head" "$config" "$accumulation" "$@"
