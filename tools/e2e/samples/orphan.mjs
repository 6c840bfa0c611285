// Preloaded into the samples' programs: they end with whoever started them, however that ended, and are not kept alive by this.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();
