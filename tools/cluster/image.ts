import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Packs a folder as a one-layer image in a docker-archive, as `ctr images import` takes it. For the images that must be
 * there before anything else is; the project's own come from the Containerfile.
 */
export const packImage = (options: { name: string; root: string; entrypoint: string[]; archive: string }): void => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-image-'));
  try {
    const layer = join(dir, 'layer.tar');
    const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
    execFileSync('tar', [...same, '-cf', layer, '-C', options.root, '.']);
    const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
    const digest = sha256(readFileSync(layer));
    const config = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Entrypoint: options.entrypoint, Env: ['PATH=/usr/bin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    });
    const configFile = `${sha256(config)}.json`;
    mkdirSync(join(dir, digest));
    renameSync(layer, join(dir, digest, 'layer.tar'));
    writeFileSync(join(dir, configFile), config);
    const manifest = [{ Config: configFile, RepoTags: [options.name], Layers: [`${digest}/layer.tar`] }];
    writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
    execFileSync('tar', ['-cf', options.archive, '-C', dir, 'manifest.json', configFile, digest]);
  } finally {
    rmSync(dir, { recursive: true });
  }
};
