from django.urls import path

from apps.rag.evaluation import views, views_questions

_COLLECTION = "evaluation/<uuid:collection_id>/"
_QUESTION = "evaluation/questions/<uuid:golden_id>/"
_PROPOSALS = "evaluation/proposals/<uuid:proposals_id>/"
_RUN = "evaluation/runs/<uuid:run_id>/"

urlpatterns = [
    path("evaluation/", views.evaluation_list, name="evaluation-list"),
    path(_COLLECTION, views.evaluation_detail, name="evaluation-detail"),
    path(f"{_COLLECTION}start/", views.evaluation_start, name="evaluation-start"),
    path(f"{_COLLECTION}compare/", views.run_compare, name="evaluation-compare"),
    path(f"{_COLLECTION}reranking/", views.tuning_change, name="tuning-change"),
    path(f"{_COLLECTION}reranking/measure/", views.tuning_measure, name="tuning-measure"),
    path(_RUN, views.run_detail, name="evaluation-run"),
    path(f"{_RUN}stop/", views.run_stop, name="evaluation-stop"),
    path(f"{_COLLECTION}questions/", views_questions.golden_list, name="golden-list"),
    path(f"{_COLLECTION}questions/new/", views_questions.golden_new, name="golden-new"),
    path(f"{_COLLECTION}questions/decide/", views_questions.golden_decision, name="golden-decide"),
    path(f"{_COLLECTION}questions/import/", views_questions.golden_upload, name="golden-import"),
    path(f"{_COLLECTION}questions/propose/", views_questions.golden_proposals, name="golden-propose"),
    path(f"{_PROPOSALS}progress/", views_questions.proposals_progress, name="proposals-progress"),
    path(f"{_PROPOSALS}retry/", views_questions.proposals_again, name="proposals-retry"),
    path(f"{_PROPOSALS}stop/", views_questions.proposals_stop, name="proposals-stop"),
    path(_QUESTION, views_questions.golden_edit, name="golden-edit"),
    path(f"{_QUESTION}delete/", views_questions.golden_remove, name="golden-delete"),
]
