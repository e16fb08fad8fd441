/**
 * Names instead of numbers for modules and chunks: the number of the entry depends on the folder of the build, and the
 * others on that one where they collide. The bundle is the same wherever it is built.
 */
module.exports = { optimization: { moduleIds: 'named', chunkIds: 'named' } };
