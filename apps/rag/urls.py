from django.urls import include, path

from apps.rag import views_laboratory

app_name = "rag"
urlpatterns = [
    path("laboratory/", views_laboratory.laboratory, name="laboratory"),
    path("laboratory/passages/<uuid:chunk_id>/", views_laboratory.laboratory_passage, name="laboratory-passage"),
    path("", include("apps.rag.evaluation.urls")),
    path("", include("apps.rag.profiles.urls")),
]
