"""Order by content: files that use the same names stand together (TF-IDF over identifiers, then k-means)."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from itertools import chain
from typing import Any

from midfill_training.corpus.documents import SourceFile

# The paper gives no number of clusters. A cluster is meant to be seen at once, so it should fill one window of the
# paper's: 32,768 tokens are about 16 files of 2,000 tokens.
CLUSTER_FILES = 16
# Names are hashed into this many columns, so that no vocabulary has to be held.
N_NAMES = 2**14
# On 3,000 files of 30 packages, pairs in one cluster come from one package 53% of the time with the features reduced
# to this many dimensions and 40% without, and k-means takes 0.2 s instead of 6.
N_DIMENSIONS = 64
# One- and two-letter names say nothing of a file's subject. Words of comments and strings do.
IDENTIFIER = r"[^\W\d]\w{2,}"


def order(files: Sequence[SourceFile], rng: random.Random) -> list[SourceFile]:
    """Cluster after cluster; which comes first, and the order within each, is random."""
    shuffled = rng.sample(files, len(files))
    if len(files) <= CLUSTER_FILES:  # one cluster
        return shuffled
    clusters: dict[int, list[SourceFile]] = {}
    for file, label in zip(shuffled, _labels([file.text for file in shuffled], rng.getrandbits(32)), strict=True):
        clusters.setdefault(label, []).append(file)
    return list(chain.from_iterable(rng.sample(list(clusters.values()), len(clusters))))


def _labels(texts: list[str], seed: int) -> list[int]:
    """The cluster of each text."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    k_means = KMeans(-(-len(texts) // CLUSTER_FILES), n_init=1, random_state=seed)
    # one thread: how many add up the centres would change their last bits, and with them the order
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few different files: fewer clusters, no variance
        return [int(label) for label in k_means.fit_predict(_features(texts, seed))]


def _features(texts: list[str], seed: int) -> Any:
    """Dense rows of length 1, shape (texts, dimensions)."""
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    names = HashingVectorizer(
        token_pattern=IDENTIFIER,
        lowercase=False,
        n_features=N_NAMES,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )
    reduction = TruncatedSVD(min(N_DIMENSIONS, len(texts)), n_iter=2, random_state=seed)
    return make_pipeline(names, TfidfTransformer(sublinear_tf=True), reduction, Normalizer()).fit_transform(texts)
