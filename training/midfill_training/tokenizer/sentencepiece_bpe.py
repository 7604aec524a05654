"""SentencePiece BPE in aiXcoder's layout (PAPER.md section 4): bytes at 3 to 258, sentinels from 260 on, then pieces.

Runs of blanks are learned as ordinary pieces. As user-defined ones, which would guarantee them, llama.cpp would neither
find them in a text nor write them as blanks.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

from midfill_model.files.random_model import AIXCODER_SENTINELS, TokenType
from midfill_training.export.sentencepiece_proto import parse_model, serialise_bpe_model

# The paper's names for 260 to 265 and for 266, before which it leaves one id open.
SYMBOLS = ("<reserved-259>", *AIXCODER_SENTINELS.values(), "▁<AIX-ASSISTANT>")
MAX_LINE_BYTES = 2**14  # longer lines are data


def train_sentencepiece(texts: Iterable[str], n_vocab: int, max_piece_chars: int) -> dict[str, bytes]:
    """The files of a tokenizer of at most `n_vocab` tokens, by name; the same texts give the same bytes.

    It learns from lines: a line end is always the token of its byte.
    """
    import sentencepiece

    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for text in texts for line in text.split("\n") if line),
        model_writer=trained,
        model_type="bpe",
        vocab_size=n_vocab,
        hard_vocab_limit=False,  # a corpus that is small for it gives fewer tokens
        byte_fallback=True,
        character_coverage=0.9995,  # the rarest characters of large corpora are left to their bytes
        normalization_rule_name="identity",
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        max_sentencepiece_length=max_piece_chars,
        max_sentence_length=MAX_LINE_BYTES,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        control_symbols=list(SYMBOLS),
        num_threads=1,
        minloglevel=2,
    )
    pieces = parse_model(trained.getvalue()).pieces
    special, rest = pieces[:3], pieces[3:]  # of the rest, the library puts the symbols before the bytes
    groups = (TokenType.BYTE, TokenType.CONTROL, TokenType.NORMAL)
    model = serialise_bpe_model([*special, *(piece for kind in groups for piece in rest if piece.type == kind)])
    settings = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
    }
    return {"tokenizer.model": model, "tokenizer_config.json": json.dumps(settings, indent=2).encode() + b"\n"}
