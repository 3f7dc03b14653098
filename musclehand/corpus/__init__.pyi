from .generate import generate_corpus as generate_corpus
from .plan import CorpusJob as CorpusJob
from .plan import CorpusPlan as CorpusPlan
